#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "boot/nixos/menus/bls_menu.h"
#include "tests/support/fake_volume.h"

namespace husk {
namespace {

using testing::FakeDisk;
using testing::FakeVolume;

std::string Generation(int number, std::string_view title = "NixOS") {
    const std::string n = std::to_string(number);
    return "title " + std::string(title) + "\nsort-key nixos\nversion Generation " + n +
           " NixOS Uakari 24.05 (Linux 6.6.32), built on 2024-06-01\nlinux /EFI/nixos/k" + n +
           ".efi\ninitrd /EFI/nixos/i" + n + ".efi\noptions init=/nix/store/s" + n + "/init\n";
}

BootMenu Read(const FakeDisk& disk) { return ReadBlsMenu(disk, disk.Volumes()).value().value(); }

std::vector<std::string> Ids(const BootMenu& menu) {
    std::vector<std::string> ids;
    for (const BootEntry& entry : menu.entries) ids.push_back(entry.id);
    return ids;
}
std::string DefaultId(const BootMenu& menu) { return menu.entries.at(menu.default_entry.value()).id; }

TEST(BlsMenu, NixosGenerationsComeNewestFirst) {
    FakeDisk disk;
    disk.AddVolume()
        .Write("/loader/loader.conf", "timeout 5\ndefault nixos-generation-9.conf\n")
        .Write("/loader/entries/nixos-generation-9.conf", Generation(9))
        .Write("/loader/entries/nixos-generation-10.conf", Generation(10))
        .Write("/loader/entries/nixos-generation-10-specialisation-x.conf", Generation(10, "NixOS (x)"));
    const BootMenu menu = Read(disk);
    EXPECT_EQ(Ids(menu), (std::vector<std::string>{"nixos-generation-10", "nixos-generation-10-specialisation-x",
                                                   "nixos-generation-9"}));
    EXPECT_EQ(DefaultId(menu), "nixos-generation-9");
    EXPECT_TRUE(menu.notes.empty());
}

TEST(BlsMenu, EntriesOfBothVolumesAreMergedAndKnowTheirs) {
    FakeDisk disk;
    disk.AddVolume().Write("/loader/loader.conf", "default b.conf\n").Write("/loader/entries/a.conf", Generation(1));
    disk.AddVolume().Write("/loader/loader.conf", "default a.conf\n").Write("/loader/entries/b.conf", Generation(2));
    const BootMenu menu = Read(disk);
    EXPECT_EQ(Ids(menu), (std::vector<std::string>{"b", "a"}));
    EXPECT_EQ(menu.entries[0].volume, 1u);
    EXPECT_EQ(menu.entries[1].volume, 0u);
    EXPECT_EQ(DefaultId(menu), "b") << "the ESP's loader.conf counts";
}

TEST(BlsMenu, WithoutLoaderConfTheFirstEntryIsTheDefault) {
    FakeDisk disk;
    disk.AddVolume().Write("/loader/entries/a.conf", Generation(1)).Write("/loader/entries/b+0-3.conf", Generation(2));
    const BootMenu menu = Read(disk);
    EXPECT_EQ(Ids(menu), (std::vector<std::string>{"a", "b"})) << "a bad one is last";
    EXPECT_EQ(DefaultId(menu), "a");
    EXPECT_TRUE(menu.entries[1].bad);
}

TEST(BlsMenu, DefaultPatternsTakeTheFirstInOrderWithoutRegardToCaseAndCounters) {
    FakeDisk disk;
    FakeVolume& esp = disk.AddVolume();
    esp.Write("/loader/entries/nixos-AAA+2-1.conf", Generation(3))
        .Write("/loader/entries/nixos-bbb.conf", Generation(2))
        .Write("/loader/entries/nixos-bcc.conf", Generation(1));
    esp.Write("/loader/loader.conf", "default nixos-B*\n");
    EXPECT_EQ(DefaultId(Read(disk)), "nixos-bbb");
    esp.Write("/loader/loader.conf", "default nixos-aaa.conf\n");
    EXPECT_EQ(DefaultId(Read(disk)), "nixos-AAA");
    esp.Write("/loader/loader.conf", "default nixos-aaa+*.conf\n");
    EXPECT_EQ(DefaultId(Read(disk)), "nixos-AAA");
    esp.Write("/loader/loader.conf", "default nixos-bcc\n");
    EXPECT_EQ(DefaultId(Read(disk)), "nixos-bcc");
}

TEST(BlsMenu, PreferredPassesBadEntriesOverAndDefaultDoesNot) {
    FakeDisk disk;
    FakeVolume& esp = disk.AddVolume();
    esp.Write("/loader/entries/a+0-3.conf", Generation(3))
        .Write("/loader/entries/b.conf", Generation(2))
        .Write("/loader/entries/c.conf", Generation(1));
    esp.Write("/loader/loader.conf", "preferred a*\ndefault c.conf\n");
    EXPECT_EQ(DefaultId(Read(disk)), "c");
    esp.Write("/loader/loader.conf", "preferred a*\n");
    EXPECT_EQ(DefaultId(Read(disk)), "b");
    esp.Write("/loader/loader.conf", "default a*\n");
    EXPECT_EQ(DefaultId(Read(disk)), "a");
}

TEST(BlsMenu, DefaultsThatAreNotThereAreNoted) {
    FakeDisk disk;
    disk.AddVolume()
        .Write("/loader/loader.conf", "default windows.conf\n")
        .Write("/loader/entries/a.conf", Generation(1));
    const BootMenu menu = Read(disk);
    EXPECT_EQ(DefaultId(menu), "a");
    EXPECT_EQ(menu.notes,
              std::vector<std::string>{"loader.conf asks for \"windows.conf\", of which there is no usable entry"});
}

TEST(BlsMenu, CountersAreSaidToBeLeftAlone) {
    FakeDisk disk;
    disk.AddVolume().Write("/loader/entries/a+3.conf", Generation(1));
    EXPECT_EQ(
        Read(disk).notes,
        std::vector<std::string>{"some entries count their boots: husk honours the counters and does not change them"});
}

TEST(BlsMenu, OtherFilesAreNoEntries) {
    FakeDisk disk;
    disk.AddVolume().Write("/loader/entries/README", "x").Write("/loader/entries.srel", "type1\n");
    EXPECT_FALSE(ReadBlsMenu(disk, disk.Volumes()).value().has_value());
}

TEST(BlsMenu, UnusableAndHiddenEntriesAreLeftOutWithNotes) {
    FakeDisk disk;
    FakeVolume& esp = disk.AddVolume();
    esp.Write("/loader/entries/a.conf", "title A\n")
        .Write("/loader/entries/b.conf", std::string((32 << 10) + 1, '#'))
        .Write("/loader/entries/c.conf", Generation(1))
        .Write("/loader/entries/memtest.conf", "efi /memtest.efi\n")
        .Break("/loader/entries/c.conf");
    const BootMenu menu = Read(disk);
    EXPECT_TRUE(menu.entries.empty());
    EXPECT_EQ(menu.default_entry, std::nullopt);
    EXPECT_EQ(menu.notes, (std::vector<std::string>{
                              "the boot entry \"a.conf\" was left out: it has no line \"linux\" that names a kernel",
                              "the boot entry \"b.conf\" was left out: /loader/entries/b.conf: longer than 32768 bytes",
                              "the boot entry \"c.conf\" was left out: /loader/entries/c.conf: its chain is cyclic",
                              "a boot entry was left out: for EFI firmware only, or for another architecture"}));
}

TEST(BlsMenu, BrokenDirectoriesAreAnError) {
    FakeDisk disk;
    disk.AddVolume().Write("/loader/entries/a.conf", Generation(1)).Break("/loader/entries");
    const auto menu = ReadBlsMenu(disk, disk.Volumes());
    ASSERT_FALSE(menu);
    EXPECT_EQ(menu.error().Message(), "/loader/entries: the directory is cyclic");
}

TEST(BlsMenu, OfTooManyEntriesTheHighestGenerationsAreRead) {
    FakeDisk disk;
    FakeVolume& esp = disk.AddVolume();
    for (int i = 1; i <= 600; ++i)
        esp.Write("/loader/entries/nixos-generation-" + std::to_string(i) + ".conf", Generation(i));
    const BootMenu menu = Read(disk);
    EXPECT_EQ(menu.entries.size(), boot_limits::kEntries);
    EXPECT_EQ(menu.entries.front().generation, 600u);
    EXPECT_EQ(menu.entries.back().generation, 89u);
    EXPECT_EQ(menu.notes, std::vector<std::string>{"there are 600 boot entries; 512 of them were read"});
}

}  // namespace
}  // namespace husk
