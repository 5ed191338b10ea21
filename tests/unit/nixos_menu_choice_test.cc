#include <gtest/gtest.h>

#include <string>

#include "boot/nixos/menus/boot_menu.h"

namespace husk {
namespace {

BootEntry Entry(std::string id, std::optional<std::uint64_t> generation, std::string specialisation = "",
                std::string profile = "") {
    BootEntry entry;
    entry.id = std::move(id);
    entry.generation = generation;
    entry.specialisation = std::move(specialisation);
    entry.profile = std::move(profile);
    return entry;
}

// Generations 4, 2 (the default, with a specialisation) and 1, and generation 7 of another profile.
BootMenu Menu() {
    BootMenu menu;
    menu.entries = {Entry("nixos-generation-4", 4),
                    Entry("nixos-web-generation-2", 2, "", "web"),
                    Entry("nixos-generation-2-specialisation-gaming", 2, "gaming"),
                    Entry("nixos-generation-2", 2),
                    Entry("nixos-generation-1", 1),
                    Entry("nixos-web-generation-7", 7, "", "web")};
    menu.default_entry = 3;
    return menu;
}

std::size_t Chosen(std::string entry, std::string specialisation = "") {
    return ChooseEntry(Menu(), {std::move(entry), std::move(specialisation)}).value();
}
std::string Refusal(const BootMenu& menu, std::string entry, std::string specialisation = "") {
    const auto chosen = ChooseEntry(menu, {std::move(entry), std::move(specialisation)});
    EXPECT_TRUE(!chosen && chosen.error().Kind() == ErrorKind::kBootSource);
    return chosen ? "" : chosen.error().Message();
}

TEST(ChooseEntry, NothingNamedIsTheDefault) { EXPECT_EQ(Chosen(""), 3u); }

TEST(ChooseEntry, NumbersAreGenerationsOfTheSystemItself) {
    EXPECT_EQ(Chosen("4"), 0u);
    EXPECT_EQ(Chosen("2"), 3u);
    EXPECT_EQ(Chosen("02"), 3u);
}

TEST(ChooseEntry, AnotherProfilesGenerationIsTakenWhenThereIsNoOther) { EXPECT_EQ(Chosen("7"), 5u); }

TEST(ChooseEntry, IdentifiersMayHaveTheirSuffixAndAnyCase) {
    EXPECT_EQ(Chosen("nixos-generation-1"), 4u);
    EXPECT_EQ(Chosen("nixos-generation-1.conf"), 4u);
    EXPECT_EQ(Chosen("NIXOS-WEB-generation-2.CONF"), 1u);
}

TEST(ChooseEntry, SpecialisationsStandBesideTheDefaultNumbersAndIdentifiers) {
    EXPECT_EQ(Chosen("", "gaming"), 2u);
    EXPECT_EQ(Chosen("2", "gaming"), 2u);
    EXPECT_EQ(Chosen("nixos-generation-2", "gaming"), 2u);
}

TEST(ChooseEntry, UnknownGenerationsAreAnsweredByThoseThatThereAre) {
    EXPECT_EQ(Refusal(Menu(), "9"), "there is no generation 9; there are 1, 2, 4 and 7");
}

TEST(ChooseEntry, UnknownIdentifiersAreAnsweredByThoseThatThereAre) {
    BootMenu menu;
    menu.entries = {Entry("boot", {}), Entry("boot-debug", {})};
    EXPECT_EQ(Refusal(menu, "bot"), "there is no boot entry \"bot\"; there are \"boot\" and \"boot-debug\"");
    EXPECT_EQ(Refusal(menu, "3"), "there is no boot entry \"3\"; there are \"boot\" and \"boot-debug\"");
}

TEST(ChooseEntry, LongListsAreShortened) {
    BootMenu menu;
    for (std::uint64_t generation = 1; generation <= 100; ++generation)
        menu.entries.push_back(Entry("g" + std::to_string(generation), generation));
    EXPECT_EQ(Refusal(menu, "101"),
              "there is no generation 101; there are 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 89 more");
}

TEST(ChooseEntry, UnknownSpecialisationsAreAnsweredByThoseThatThereAre) {
    EXPECT_EQ(Refusal(Menu(), "", "x"), "generation 2 has no specialisation \"x\"; there is only \"gaming\"");
    EXPECT_EQ(Refusal(Menu(), "4", "gaming"), "generation 4 has no specialisation \"gaming\"; it has none");
}

TEST(ChooseEntry, GenerationsOfSpecialisationsOnlyAreNotChosenByNumber) {
    BootMenu menu;
    menu.entries = {Entry("a", 3, "gaming")};
    EXPECT_EQ(Refusal(menu, "3"), "generation 3 has only specialisations here; name one, such as \"gaming\"");
    EXPECT_EQ(ChooseEntry(menu, {"3", "gaming"}).value(), 0u);
    EXPECT_EQ(ChooseEntry(menu, {"a", ""}).value(), 0u);
}

TEST(ChooseEntry, MenusWithoutEntriesOrDefaultAreSaidToBeSo) {
    EXPECT_EQ(Refusal({}, ""), "there are no boot entries");
    BootMenu menu = Menu();
    menu.default_entry = 6;
    EXPECT_TRUE(Refusal(menu, "").starts_with("nothing says which entry is the default; there are \"nixos-"));
}

TEST(ChooseEntry, WhatAPersonTypedIsCleanedBeforeItIsRepeated) {
    EXPECT_TRUE(Refusal(Menu(), "\x1b[31m").starts_with("there is no boot entry \"?[31m\";"));
}

TEST(BootMenu, EntriesAndNotesAreLimitedAndSayIt) {
    BootMenu menu;
    for (std::size_t i = 0; i < boot_limits::kEntries; ++i) EXPECT_TRUE(AddEntry(menu, {}));
    EXPECT_FALSE(AddEntry(menu, {}));
    EXPECT_FALSE(AddEntry(menu, {}));
    EXPECT_EQ(menu.notes, std::vector<std::string>{"only the first 512 boot entries are shown"});
    for (int i = 0; i < 100; ++i) AddNote(menu, "\tnote");
    EXPECT_EQ(menu.notes.size(), boot_limits::kNotes);
    EXPECT_EQ(menu.notes[1], "?note");
    EXPECT_EQ(menu.notes.back(), "there was more to say of this boot source than fits here");
}

}  // namespace
}  // namespace husk
