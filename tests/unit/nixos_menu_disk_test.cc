#include <gtest/gtest.h>

#include <string>

#include "boot/nixos/menus/disk_menu.h"
#include "boot/nixos/menus/entry_files.h"
#include "tests/support/fake_volume.h"

namespace husk {
namespace {

using testing::FakeDisk;
using testing::FakeVolume;

BootMenu Read(const FakeDisk& disk) { return ReadDiskMenu(disk, disk.Volumes()).value(); }
std::string Refusal(const FakeDisk& disk) {
    const auto menu = ReadDiskMenu(disk, disk.Volumes());
    EXPECT_TRUE(!menu && menu.error().Kind() == ErrorKind::kBootSource);
    return menu ? "" : menu.error().Message();
}

TEST(DiskMenu, SystemdBootComesBeforeExtlinuxAndThatBeforeGrub) {
    FakeDisk disk;
    disk.AddVolume().Write("/grub/grub.cfg", "menuentry g { linux /g\n}\n");
    EXPECT_EQ(Read(disk).entries.at(0).kernel, "/g");
    FakeVolume& other = disk.AddVolume().Write("/extlinux/extlinux.conf", "LABEL e\nLINUX /e\n");
    EXPECT_EQ(Read(disk).entries.at(0).kernel, "/e");
    EXPECT_EQ(Read(disk).entries[0].volume, 1u);
    other.Write("/loader/entries/b.conf", "linux /b\n");
    EXPECT_EQ(Read(disk).entries.at(0).kernel, "/b");
    EXPECT_EQ(Read(disk).entries[0].volume, 1u);
    EXPECT_EQ(Read(disk).default_entry, 0u);
}

TEST(DiskMenu, MenusWithoutUsableEntriesGiveWayToOthers) {
    FakeDisk disk;
    FakeVolume& esp = disk.AddVolume().Write("/loader/entries/a.conf", "title A\n");
    EXPECT_EQ(Refusal(disk),
              "none of its boot entries can be used: the boot entry \"a.conf\" was left out: it has no line \"linux\" "
              "that names a kernel");
    esp.Write("/boot/extlinux/extlinux.conf", "LABEL e\nLINUX /e\n");
    EXPECT_EQ(Read(disk).entries.at(0).kernel, "/e");
}

TEST(DiskMenu, DisksWithoutMenuSayWhatWasLookedFor) {
    FakeDisk disk;
    EXPECT_EQ(Refusal(disk),
              "no boot entries: it has no FAT file system, and husk reads kernels from an ESP or XBOOTLDR");
    disk.AddVolume();
    EXPECT_EQ(Refusal(disk),
              "no boot entries: no /loader/entries/*.conf and no extlinux.conf on its ESP; GRUB puts kernels on the "
              "root file system, which husk does not read");
}

TEST(DiskMenu, BrokenVolumesAreAnError) {
    FakeDisk disk;
    disk.AddVolume().Write("/loader/entries/a.conf", "linux /k\n").Break("/loader/loader.conf");
    EXPECT_EQ(Refusal(disk), "/loader/loader.conf: its chain is cyclic");
}

BootEntry Entry() {
    BootEntry entry;
    entry.id = "a";
    entry.kernel = "/k";
    entry.initrds = {"/i", "/j"};
    entry.volume = 1;
    return entry;
}

TEST(PlanEntry, FilesAreThoseOfTheEntrysVolumeInOrder) {
    FakeDisk disk;
    disk.AddVolume().Write("/k", "wrong");
    disk.AddVolume().Write("/k", "kernel").Write("/i", "i").Write("/j", "jj");
    const EntryFiles files = PlanEntry(Entry(), disk.Volumes()).value();
    EXPECT_EQ(files.kernel.size, 6u);
    EXPECT_EQ(files.kernel.ranges, disk.Volumes()[1]->Find("/k").value()->ranges);
    ASSERT_EQ(files.initrds.size(), 2u);
    EXPECT_EQ(files.initrds[0].size, 1u);
    EXPECT_EQ(files.initrds[1].size, 2u);
}

TEST(PlanEntry, MissingAndUselessFilesAreNamed) {
    FakeDisk disk;
    disk.AddVolume();
    FakeVolume& volume = disk.AddVolume();
    const auto refusal = [&](const BootEntry& entry) { return PlanEntry(entry, disk.Volumes()).error().Message(); };
    EXPECT_EQ(refusal(Entry()),
              "the boot entry \"a\": its kernel /k is not there: boot another entry (husk list shows them) and copy it "
              "anew (nixos-rebuild boot)");
    volume.Write("/k", "kernel").Write("/i", "");
    EXPECT_EQ(refusal(Entry()),
              "the boot entry \"a\": its initrd /i is empty: boot another entry (husk list shows them) and copy it "
              "anew (nixos-rebuild boot)");
    volume.Write("/i", "i").Break("/j");
    EXPECT_EQ(refusal(Entry()), "the boot entry \"a\": its initrd /j: its chain is cyclic");
    BootEntry entry = Entry();
    entry.kernel = "/nix/store/k";
    EXPECT_EQ(refusal(entry),
              "the boot entry \"a\": its kernel /nix/store/k is not there: it may be on the root file "
              "system, which husk does not read");
    entry.volume = 2;
    EXPECT_EQ(refusal(entry), "the boot entry \"a\" is in no volume");
}

}  // namespace
}  // namespace husk
