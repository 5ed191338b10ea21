#include <gtest/gtest.h>

#include <string>

#include "boot/nixos/menus/boot_menu.h"
#include "boot/nixos/menus/fields.h"
#include "boot/nixos/menus/glob.h"
#include "boot/nixos/menus/key_value.h"
#include "boot/nixos/menus/nixos_names.h"
#include "boot/nixos/menus/text.h"

namespace husk {
namespace {

using menu_text::Clean;

TEST(MenuText, PrintableTextsStayAsTheyAre) {
    EXPECT_EQ(Clean("NixOS (größer) 日本 🦀", 100), "NixOS (größer) 日本 🦀");
    EXPECT_TRUE(menu_text::IsClean("NixOS (größer) 日本 🦀"));
}

TEST(MenuText, ControlsAndDirectionMarksBecomeQuestionMarks) {
    EXPECT_EQ(Clean("a\x1b[2Jb\x7f\tc", 100), "a?[2Jb??c");
    EXPECT_EQ(Clean("\u009b1m \u202egnp.\u2066", 100), "?1m ?gnp.?");
    EXPECT_EQ(Clean(std::string_view("a\0b", 3), 100), "a?b");
}

TEST(MenuText, BytesThatAreNotUtf8BecomeQuestionMarks) {
    EXPECT_EQ(Clean("\xff\xc3", 100), "??");
    EXPECT_EQ(Clean("\xc0\xaf", 100), "??") << "not the shortest form";
    EXPECT_EQ(Clean("\xe0\x80\xaf", 100), "???") << "not the shortest form";
    EXPECT_EQ(Clean("\xed\xa0\x80", 100), "???") << "half of a surrogate pair";
    EXPECT_EQ(Clean("\xf4\x90\x80\x80", 100), "????") << "beyond Unicode";
}

TEST(MenuText, CutsFallBetweenCharacters) {
    EXPECT_EQ(Clean("größer", 3), "gr");
    EXPECT_EQ(Clean("größer", 4), "grö");
    EXPECT_EQ(Clean("🦀", 3), "");
}

TEST(MenuText, LinesEndInAnyOfTheThreeWays) {
    std::string_view rest = "one\r\ntwo\nthree\r\nfour";
    EXPECT_EQ(menu_text::NextLine(rest), "one");
    EXPECT_EQ(menu_text::NextLine(rest), "two");
    EXPECT_EQ(menu_text::NextLine(rest), "three");
    EXPECT_EQ(menu_text::NextLine(rest), "four");
    EXPECT_EQ(menu_text::NextLine(rest), std::nullopt);
}

TEST(MenuText, WordsAreSeparatedBySpacesAndTabs) {
    std::string_view rest = " \tlinux\t /a b  ";
    EXPECT_EQ(menu_text::NextWord(rest), "linux");
    EXPECT_EQ(rest, "/a b");
    EXPECT_EQ(menu_text::NextWord(rest), "/a");
    EXPECT_EQ(menu_text::NextWord(rest), "b");
    EXPECT_EQ(menu_text::NextWord(rest), "");
}

TEST(MenuText, NumbersAreDigitsAndNothingElse) {
    EXPECT_EQ(menu_text::ParseNumber("18446744073709551615"), ~std::uint64_t{0});
    EXPECT_EQ(menu_text::ParseNumber("18446744073709551616"), std::nullopt);
    EXPECT_EQ(menu_text::ParseNumber(""), std::nullopt);
    EXPECT_EQ(menu_text::ParseNumber("-1"), std::nullopt);
    EXPECT_EQ(menu_text::ParseNumber("1 "), std::nullopt);
}

TEST(KeyValue, CommentsAndKeysWithoutValueAreSkipped) {
    std::string_view rest = "# default x\n\ndefault\n  default \"\"\n\tdefault\t \"a b\" \n";
    const auto found = NextKeyValue(rest);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->key, "default");
    EXPECT_EQ(found->value, "a b");
    EXPECT_FALSE(NextKeyValue(rest));
}

TEST(Glob, StarsAndQuestionMarksMatchAsInAShell) {
    EXPECT_TRUE(MatchesGlob("nixos-*", "nixos-generation-1.conf"));
    EXPECT_TRUE(MatchesGlob("*-generation-?.conf", "nixos-generation-1.conf"));
    EXPECT_TRUE(MatchesGlob("*", ""));
    EXPECT_FALSE(MatchesGlob("nixos", "nixos-generation-1.conf"));
    EXPECT_FALSE(MatchesGlob("*-generation-?.conf", "nixos-generation-10.conf"));
    EXPECT_FALSE(MatchesGlob("?", ""));
    EXPECT_FALSE(MatchesGlob("", "a"));
}

TEST(Glob, SetsAndEscapesMatchAsInAShell) {
    EXPECT_TRUE(MatchesGlob("foo+[1-9].conf", "foo+3.conf"));
    EXPECT_FALSE(MatchesGlob("foo+[1-9].conf", "foo+0.conf"));
    EXPECT_TRUE(MatchesGlob("[^a-c]", "d"));
    EXPECT_FALSE(MatchesGlob("[!a-c]", "b"));
    EXPECT_TRUE(MatchesGlob("[]a]", "]"));
    EXPECT_TRUE(MatchesGlob("\\*", "*"));
    EXPECT_FALSE(MatchesGlob("\\*", "a"));
}

TEST(Glob, WrongPatternsMatchNothing) {
    EXPECT_FALSE(MatchesGlob("[", "["));
    EXPECT_FALSE(MatchesGlob("[a", "a"));
    EXPECT_FALSE(MatchesGlob("\\", "\\"));
}

TEST(Glob, ManyStarsTakeNoTime) {
    std::string pattern;
    for (int i = 0; i < 100; ++i) pattern += "*a";
    EXPECT_FALSE(MatchesGlob(pattern + "b", std::string(255, 'a')));
}

TEST(ResolvePath, RelativePathsBeginAtTheDirectory) {
    EXPECT_EQ(ResolvePath("/extlinux", "../nixos/kernel").value(), "/nixos/kernel");
    EXPECT_EQ(ResolvePath("/boot/extlinux", "./a//b").value(), "/boot/extlinux/a/b");
    EXPECT_EQ(ResolvePath("/extlinux", "/boot//nix/store/x").value(), "/boot/nix/store/x");
    EXPECT_EQ(ResolvePath("/", "EFI/nixos/k.efi").value(), "/EFI/nixos/k.efi");
}

TEST(ResolvePath, PathsOutOfTheFileSystemAreRefused) {
    EXPECT_EQ(ResolvePath("/extlinux", "../../etc/shadow").error().Message(),
              "the path \"../../etc/shadow\" leads out of the file system");
    EXPECT_FALSE(ResolvePath("/", "/.."));
    EXPECT_FALSE(ResolvePath("/", ""));
    EXPECT_FALSE(ResolvePath("/", "/a/.."));
    EXPECT_FALSE(ResolvePath("/", "/a\nb"));
    EXPECT_FALSE(ResolvePath("/", '/' + std::string(boot_limits::kPath, 'a')));
    EXPECT_FALSE(ResolvePath("/directory", std::string(boot_limits::kPath, 'a'))) << "too long when it is whole";
}

TEST(CommandLine, TabsBecomeSpacesAndOtherControlsAreRefused) {
    EXPECT_EQ(CheckCommandLine(" init=/i\tquiet ").value(), "init=/i quiet");
    EXPECT_FALSE(CheckCommandLine("init=/i\x01"));
    EXPECT_FALSE(CheckCommandLine("init=/\xff"));
}

TEST(CommandLine, TooLongOnesAreRefusedAndNeverCut) {
    std::string line = CheckCommandLine(std::string(boot_limits::kCommandLine - 1, 'a')).value();
    EXPECT_EQ(line.size(), boot_limits::kCommandLine - 1);
    EXPECT_FALSE(AppendParameters(line, "b"));
}

TEST(NixosNames, VersionsOfAllReleasesAreRead) {
    const NixosBuild now =
        ReadNixosVersion("Generation 12 NixOS Uakari 24.05.20240601.abcdef (Linux 6.6.32), built on 2024-06-01");
    EXPECT_EQ(now.generation, 12u);
    EXPECT_EQ(now.label, "24.05.20240601.abcdef");
    EXPECT_EQ(now.date, "2024-06-01");
    const NixosBuild before = ReadNixosVersion("Generation 3 NixOS 22.11.1, Linux Kernel 5.15.1, Built on 2023-01-31");
    EXPECT_EQ(before.generation, 3u);
    EXPECT_EQ(before.label, "22.11.1");
    EXPECT_EQ(before.date, "2023-01-31");
}

TEST(NixosNames, LabelsOfOnesOwnAreKept) {
    EXPECT_EQ(ReadNixosVersion("Generation 1 NixOS Uakari mine (Linux 6.6), built on 2024-06-01").label,
              "NixOS Uakari mine");
    EXPECT_EQ(ReadNixosVersion("Generation 1 NixOS mine, Linux Kernel 5.1, Built on 2024-06-01").label, "NixOS mine");
}

TEST(NixosNames, OtherVersionsAreNone) {
    EXPECT_EQ(ReadNixosVersion("6.1.0-22-amd64").generation, std::nullopt);
    EXPECT_EQ(ReadNixosVersion("Generation X").generation, std::nullopt);
    EXPECT_EQ(ReadNixosVersion("Generation 99999999999999999999 x").generation, std::nullopt);
    EXPECT_EQ(ReadNixosVersion("Generation 1 x, built on yesterday").date, "");
}

TEST(NixosNames, TitlesNameProfileAndSpecialisation) {
    EXPECT_EQ(ReadNixosTitle("NixOS").specialisation, "");
    EXPECT_EQ(ReadNixosTitle("NixOS (gaming)").specialisation, "gaming");
    EXPECT_EQ(ReadNixosTitle("NixOS (with (brackets))").specialisation, "with (brackets)");
    EXPECT_EQ(ReadNixosTitle("NixOS [work] (gaming)").profile, "work");
    EXPECT_EQ(ReadNixosTitle("NixOS [work] (gaming)").specialisation, "gaming");
    EXPECT_EQ(ReadNixosTitle("NixOS (a [b])").profile, "");
}

TEST(NixosNames, ConfigurationsOfExtlinuxAreRead) {
    const auto plain = ReadNixosConfiguration("NixOS - Configuration 12 (2024-06-01 12:30 - 24.05.20240601.abcdef)");
    EXPECT_EQ(plain.build.generation, 12u);
    EXPECT_EQ(plain.build.date, "2024-06-01");
    EXPECT_EQ(plain.build.label, "24.05.20240601.abcdef");
    EXPECT_EQ(plain.specialisation, "");
    const auto special = ReadNixosConfiguration("NixOS - Configuration 12-my-games (2024-06-01 12:30 - 24.05)");
    EXPECT_EQ(special.build.generation, 12u);
    EXPECT_EQ(special.specialisation, "my-games");
    EXPECT_EQ(ReadNixosConfiguration("NixOS - Configuration 12-default (x)").specialisation, "");
    EXPECT_EQ(ReadNixosConfiguration("NixOS - Default").build.generation, std::nullopt);
}

}  // namespace
}  // namespace husk
