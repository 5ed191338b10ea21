#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "boot/nixos/menus/extlinux.h"
#include "boot/nixos/menus/syslinux_conf.h"
#include "tests/support/fake_volume.h"

namespace husk {
namespace {

// As NixOS' generic-extlinux-compatible writes it.
constexpr std::string_view kNixos = R"(# Generated file, all changes will be lost on nixos-rebuild!

# Change this to e.g. nixos-42 to temporarily boot to an older configuration.
DEFAULT nixos-default

TIMEOUT 50
MENU TITLE ------------------------------------------------------------

LABEL nixos-default
  MENU LABEL NixOS - Default
  LINUX ../nixos/abc-linux-6.6.32-bzImage
  INITRD ../nixos/def-initrd-linux-6.6.32-initrd
  APPEND init=/nix/store/xyz-nixos-system-box/init loglevel=4
  FDTDIR ../nixos/ghi-dtbs

LABEL nixos-12-gaming
  MENU LABEL NixOS - Configuration 12-gaming (2024-06-01 12:30 - 24.05.20240601.abcdef)
  LINUX ../nixos/abc-linux-6.6.32-bzImage
  INITRD ../nixos/def-initrd-linux-6.6.32-initrd
  APPEND init=/nix/store/uvw-nixos-system-box/init loglevel=4
  FDT ../nixos/ghi-dtbs/box.dtb
)";

BootMenu Parsed(std::string_view text) { return ParseSyslinuxConf(text, "/extlinux"); }
BootEntry FirstOf(std::string_view text) { return Parsed(text).entries.at(0); }

TEST(Extlinux, NixosFileIsUnderstood) {
    const BootMenu menu = Parsed(kNixos);
    ASSERT_EQ(menu.entries.size(), 2u);
    EXPECT_EQ(menu.default_entry, 0u);
    EXPECT_TRUE(menu.notes.empty());
    const BootEntry& standard = menu.entries[0];
    EXPECT_EQ(standard.id, "nixos-default");
    EXPECT_EQ(standard.title, "NixOS - Default");
    EXPECT_EQ(standard.generation, std::nullopt);
    EXPECT_EQ(standard.kernel, "/nixos/abc-linux-6.6.32-bzImage");
    EXPECT_EQ(standard.initrds, std::vector<std::string>{"/nixos/def-initrd-linux-6.6.32-initrd"});
    EXPECT_EQ(standard.command_line, "init=/nix/store/xyz-nixos-system-box/init loglevel=4");
    const BootEntry& special = menu.entries[1];
    EXPECT_EQ(special.generation, 12u);
    EXPECT_EQ(special.specialisation, "gaming");
    EXPECT_EQ(special.label, "24.05.20240601.abcdef");
    EXPECT_EQ(special.date, "2024-06-01");
}

TEST(Extlinux, BothPlacesAreLookedAt) {
    testing::FakeDisk disk;
    testing::FakeVolume& root = disk.AddVolume();
    EXPECT_FALSE(ReadExtlinuxMenu(disk, root).value().has_value());
    root.Write("/boot/extlinux/extlinux.conf", "LABEL a\nLINUX ../k\n");
    EXPECT_EQ(ReadExtlinuxMenu(disk, root).value().value().entries.at(0).kernel, "/boot/k");
    root.Write("/extlinux/extlinux.conf", "LABEL b\nLINUX ../k\n");
    EXPECT_EQ(ReadExtlinuxMenu(disk, root).value().value().entries.at(0).kernel, "/k");
}

TEST(Extlinux, FilesThatAreTooLongAreAnError) {
    testing::FakeDisk disk;
    testing::FakeVolume& root = disk.AddVolume();
    root.Write("/extlinux/extlinux.conf", std::string(boot_limits::kTextFile + 1, '\n'));
    EXPECT_EQ(ReadExtlinuxMenu(disk, root).error().Message(), "/extlinux/extlinux.conf: longer than 1048576 bytes");
}

TEST(Syslinux, KeywordsAreOfAnyCaseAndKernelIsLinux) {
    const BootEntry entry = FirstOf("label a\nMenu Label The ^First\nkernel k quiet\nInitRD i,/j , k\nappend x=1\n");
    EXPECT_EQ(FirstOf("LABEL\nLINUX k\n").id, "entry");
    EXPECT_EQ(entry.title, "The First");
    EXPECT_EQ(entry.kernel, "/extlinux/k");
    EXPECT_EQ(entry.initrds, (std::vector<std::string>{"/extlinux/i", "/j", "/extlinux/k"}));
    EXPECT_EQ(entry.command_line, "quiet x=1");
}

TEST(Syslinux, InitrdsMayBeAmongTheParameters) {
    const BootEntry entry = FirstOf("LABEL a\nLINUX k\nAPPEND initrd=i.img,j.img quiet\n");
    EXPECT_EQ(entry.initrds, (std::vector<std::string>{"/extlinux/i.img", "/extlinux/j.img"}));
    EXPECT_EQ(entry.command_line, "initrd=i.img,j.img quiet");
}

TEST(Syslinux, AppendAboveAllLabelsIsForThoseWithoutTheirOwn) {
    const BootMenu menu =
        Parsed("APPEND quiet\nLABEL a\nLINUX k\nLABEL b\nLINUX k\nAPPEND -\nLABEL c\nLINUX k\nAPPEND x\n");
    ASSERT_EQ(menu.entries.size(), 3u);
    EXPECT_EQ(menu.entries[0].command_line, "quiet");
    EXPECT_EQ(menu.entries[1].command_line, "");
    EXPECT_EQ(menu.entries[2].command_line, "x");
}

TEST(Syslinux, MenuDefaultOverridesDefault) {
    EXPECT_EQ(Parsed("DEFAULT a\nLABEL a\nLINUX k\nLABEL b\nLINUX k\nMENU DEFAULT\n").default_entry, 1u);
    EXPECT_EQ(Parsed("LABEL a\nLINUX k\nLABEL b\nLINUX k\nDEFAULT B quiet\n").default_entry, 1u);
    EXPECT_EQ(Parsed("DEFAULT vesamenu.c32\nLABEL a\nLINUX k\n").default_entry, 0u);
}

TEST(Syslinux, DefaultsThatAreNotThereAreNoted) {
    const BootMenu menu = Parsed("DEFAULT c\nLABEL a\nLINUX k\n");
    EXPECT_EQ(menu.default_entry, 0u);
    EXPECT_EQ(menu.notes, std::vector<std::string>{"the menu's default is \"c\", of which there is no usable entry"});
}

TEST(Syslinux, WhatStartsNoLinuxIsLeftOut) {
    const BootMenu menu = Parsed("LABEL a\nCOM32 hdt.c32\nLABEL b\nKERNEL reboot.c32\nLABEL c\nLOCALBOOT 0\nLABEL d\n");
    EXPECT_TRUE(menu.entries.empty());
    EXPECT_EQ(menu.default_entry, std::nullopt);
}

TEST(Syslinux, HelpTextsAreNoDirectives) {
    const BootMenu menu = Parsed("LABEL a\nTEXT HELP\nLABEL b\nLINUX /evil\nENDTEXT\nLINUX k\n");
    ASSERT_EQ(menu.entries.size(), 1u);
    EXPECT_EQ(menu.entries[0].kernel, "/extlinux/k");
}

TEST(Syslinux, IncludesAreNoted) {
    EXPECT_EQ(Parsed("INCLUDE a.cfg\nMENU INCLUDE b.cfg\n").notes,
              (std::vector<std::string>{"the menu includes \"a.cfg\", which was not read",
                                        "the menu includes \"b.cfg\", which was not read"}));
}

TEST(Syslinux, PathsOutOfTheVolumeLeaveTheEntryOut) {
    const BootMenu menu = Parsed("LABEL a\nLINUX ../../k\nLABEL b\nLINUX k\nINITRD a,,b\n");
    EXPECT_TRUE(menu.entries.empty());
    EXPECT_EQ(menu.notes, (std::vector<std::string>{
                              "the boot entry \"a\" was left out: the path \"../../k\" leads out of the file system",
                              "the boot entry \"b\" was left out: a path is empty"}));
}

TEST(Syslinux, TooManyLabelsAreCutWithANote) {
    std::string text;
    for (int i = 0; i < 600; ++i) text += "LABEL a\nLINUX k\n";
    const BootMenu menu = Parsed(text);
    EXPECT_EQ(menu.entries.size(), boot_limits::kEntries);
    EXPECT_EQ(menu.notes.size(), 1u);
}

}  // namespace
}  // namespace husk
