#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "boot/nixos/menus/bls_entry.h"

namespace husk {
namespace {

constexpr std::string_view kEntry =
    "title NixOS\n"
    "sort-key nixos\n"
    "version Generation 12 NixOS Uakari 24.05.20240601.abcdef (Linux 6.6.32), built on 2024-06-01\n"
    "linux /EFI/nixos/abc-linux-6.6.32-bzImage.efi\n"
    "initrd /EFI/nixos/def-initrd-linux-6.6.32-initrd.efi\n"
    "options init=/nix/store/xyz-nixos-system-box-24.05/init loglevel=4\n"
    "machine-id 0123456789abcdef0123456789abcdef\n";

BlsEntry Parsed(std::string_view file_name, std::string_view text) {
    return ParseBlsEntry(file_name, text).value().value();
}
std::string Refusal(std::string_view text) {
    const auto entry = ParseBlsEntry("a.conf", text);
    EXPECT_TRUE(!entry && entry.error().Kind() == ErrorKind::kBootSource);
    return entry ? "" : entry.error().Message();
}

TEST(BlsEntry, NixosEntryIsUnderstood) {
    const BlsEntry bls = Parsed("nixos-generation-12.conf", kEntry);
    EXPECT_EQ(bls.entry.id, "nixos-generation-12");
    EXPECT_EQ(bls.entry.title, "NixOS");
    EXPECT_EQ(bls.entry.generation, 12u);
    EXPECT_EQ(bls.entry.specialisation, "");
    EXPECT_EQ(bls.entry.profile, "");
    EXPECT_EQ(bls.entry.label, "24.05.20240601.abcdef");
    EXPECT_EQ(bls.entry.date, "2024-06-01");
    EXPECT_EQ(bls.entry.kernel, "/EFI/nixos/abc-linux-6.6.32-bzImage.efi");
    EXPECT_EQ(bls.entry.initrds, std::vector<std::string>{"/EFI/nixos/def-initrd-linux-6.6.32-initrd.efi"});
    EXPECT_EQ(bls.entry.command_line, "init=/nix/store/xyz-nixos-system-box-24.05/init loglevel=4");
    EXPECT_FALSE(bls.entry.bad);
    EXPECT_EQ(bls.sort_key, "nixos");
    EXPECT_EQ(bls.machine_id, "0123456789abcdef0123456789abcdef");
    EXPECT_EQ(bls.counter, std::nullopt);
}

TEST(BlsEntry, SpecialisationsAreInTheNameOrTheTitle) {
    EXPECT_EQ(Parsed("nixos-generation-12-specialisation-a-b.conf", kEntry).entry.specialisation, "a-b");
    const std::string titled = "title NixOS (gaming)\n" + std::string(kEntry.substr(kEntry.find("sort-key")));
    EXPECT_EQ(Parsed("nixos-0badcafe.conf", titled).entry.specialisation, "gaming");
}

TEST(BlsEntry, ProfilesAreInTheTitle) {
    const BlsEntry bls =
        Parsed("nixos-web-generation-3.conf", "title NixOS [web] (x)\nversion Generation 3 y\nlinux /k\n");
    EXPECT_EQ(bls.entry.profile, "web");
    EXPECT_EQ(bls.entry.specialisation, "x");
}

TEST(BlsEntry, GenerationsAreNeverTakenFromTheName) {
    const BlsEntry bls = Parsed("nixos-generation-12.conf", "title NixOS (x)\nlinux /k\n");
    EXPECT_EQ(bls.entry.generation, std::nullopt);
    EXPECT_EQ(bls.entry.specialisation, "");
}

TEST(BlsEntry, CountersAreReadFromTheNameAndAreNoPartOfTheId) {
    const BlsEntry three = Parsed("nixos-0badcafe+3.conf", kEntry);
    EXPECT_EQ(three.entry.id, "nixos-0badcafe");
    EXPECT_EQ(three.file_name, "nixos-0badcafe+3.conf");
    EXPECT_EQ(three.counter, (BootCounter{3, 0}));
    EXPECT_FALSE(three.entry.bad);
    const BlsEntry none_left = Parsed("nixos-0badcafe+0-3.conf", kEntry);
    EXPECT_EQ(none_left.counter, (BootCounter{0, 3}));
    EXPECT_TRUE(none_left.entry.bad);
    EXPECT_EQ(Parsed("a+b.conf", kEntry).counter, std::nullopt);
    EXPECT_EQ(Parsed("a+1-.conf", kEntry).counter, std::nullopt);
    EXPECT_EQ(Parsed("+3.conf", kEntry).entry.id, "+3");
    EXPECT_EQ(Parsed("a+99999999999.conf", kEntry).counter, std::nullopt);
}

TEST(BlsEntry, InitrdsAndOptionsMayRepeat) {
    const BlsEntry bls = Parsed("a.conf", "linux k\ninitrd i\ninitrd /j\noptions a\noptions b  c\n");
    EXPECT_EQ(bls.entry.kernel, "/k");
    EXPECT_EQ(bls.entry.initrds, (std::vector<std::string>{"/i", "/j"}));
    EXPECT_EQ(bls.entry.command_line, "a b  c");
    EXPECT_EQ(bls.entry.title, "a") << "without a title, the id";
}

TEST(BlsEntry, EntriesForOtherMachinesAreHidden) {
    EXPECT_FALSE(ParseBlsEntry("a.conf", "linux /k\narchitecture aa64\n").value().has_value());
    EXPECT_FALSE(ParseBlsEntry("a.conf", "efi /shell.efi\n").value().has_value());
    EXPECT_FALSE(ParseBlsEntry("a.conf", "uki /a.efi\n").value().has_value());
    EXPECT_FALSE(ParseBlsEntry("a.conf", "uki-url http://x/a.efi\n").value().has_value());
    EXPECT_TRUE(ParseBlsEntry("a.conf", "linux /k\narchitecture X64\n").value().has_value());
}

TEST(BlsEntry, UnusableEntriesAreRefusedWithTheReason) {
    EXPECT_EQ(Refusal("title x\n"), "it has no line \"linux\" that names a kernel");
    EXPECT_EQ(Refusal("linux /../k\n"), "the path \"/../k\" leads out of the file system");
    EXPECT_EQ(Refusal("linux /k\noptions a\x1b\n"), "the kernel command line has unprintable characters");
    EXPECT_EQ(Refusal("linux /k\noptions " + std::string(8192, 'a') + "\n"),
              "the kernel command line is longer than 8191 bytes");
    std::string initrds = "linux /k\n";
    for (int i = 0; i < 9; ++i) initrds += "initrd /i\n";
    EXPECT_EQ(Refusal(initrds), "it has more than 8 initrds");
}

TEST(BlsEntry, OnlyCertainNamesAreEntries) {
    EXPECT_TRUE(IsBlsFileName("nixos-generation-1.conf"));
    EXPECT_TRUE(IsBlsFileName("A.CONF"));
    EXPECT_FALSE(IsBlsFileName(".conf"));
    EXPECT_FALSE(IsBlsFileName(".hidden.conf"));
    EXPECT_FALSE(IsBlsFileName("auto-windows.conf"));
    EXPECT_FALSE(IsBlsFileName("nixos.conf.tmp"));
    EXPECT_FALSE(IsBlsFileName(std::string(251, 'a') + ".conf"));
}

BlsEntry Sortable(std::string_view file_name, std::string sort_key = "", std::string machine_id = "",
                  std::string version = "") {
    BlsEntry bls = Parsed(file_name, "linux /k\n");
    bls.sort_key = std::move(sort_key);
    bls.machine_id = std::move(machine_id);
    bls.entry.version = std::move(version);
    return bls;
}

TEST(BlsOrder, KeysCountInTheSpecificationsOrder) {
    const std::vector<BlsEntry> shown{Sortable("z.conf", "a", "2", "1"),
                                      Sortable("y.conf", "b", "", "1"),
                                      Sortable("x.conf", "b", "1", "Generation 10"),
                                      Sortable("x.conf", "b", "1", "Generation 9"),
                                      Sortable("w10.conf", "b", "1", "Generation 8"),
                                      Sortable("w9.conf", "b", "1", "Generation 8"),
                                      Sortable("v9.conf"),
                                      Sortable("v8.conf"),
                                      Sortable("v7+1.conf"),
                                      Sortable("v6+2-1.conf"),
                                      Sortable("v6+1-1.conf"),
                                      Sortable("v6+1-2.conf"),
                                      Sortable("z+0-1.conf", "a"),
                                      Sortable("z+0-2.conf")};
    for (std::size_t i = 0; i < shown.size(); ++i) {
        for (std::size_t j = 0; j < shown.size(); ++j) {
            EXPECT_EQ(CompareBlsEntries(shown[i], shown[j]), std::weak_ordering(i <=> j)) << i << " and " << j;
        }
    }
}

}  // namespace
}  // namespace husk
