#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "boot/nixos/menus/grub_cfg.h"

namespace husk {
namespace {

// As NixOS' iso-image.nix writes it, shortened.
constexpr std::string_view kNixos = R"(
set textmode=false
set timeout=10
clear
echo "Loading graphical boot menu..."
search --set=root --file /EFI/nixos-installer-image
insmod gfxterm
if loadfont ($root)/EFI/boot/unicode.pf2; then
  set with_fonts=true
fi
if [ "$textmode" != "true" -a "$with_fonts" == "true" ]; then
  terminal_output gfxterm
else
  set menu_color_normal=cyan/blue
fi
hiddenentry 'Text mode' --hotkey 't' {
  set textmode=true
}
# If the parameter iso_path is set, append the findiso parameter to the kernel
if [ ${iso_path} ] ; then
  set isoboot="findiso=${iso_path}"
fi
menuentry 'NixOS 24.05.20240601.abcdef Installer '  --class installer {
  # Fallback to UEFI console for boot, efifb sometimes has difficulties.
  terminal_output console

  linux /boot/bzImage ${isoboot} init=/nix/store/xyz-nixos-system-nixos/init  root=LABEL=nixos-24.05 loglevel=4
  initrd /boot/initrd
}
menuentry 'NixOS 24.05.20240601.abcdef Installer (debug)'  --class debug {
  linux /boot/bzImage ${isoboot} init=/nix/store/xyz-nixos-system-nixos/init debug
  initrd /boot/initrd
}
submenu "HiDPI, Quirks and Accessibility" --class hidpi --class submenu {
  submenu "" {return}
  submenu "Suggests resolution @720p" --class hidpi-720p {
    menuentry 'NixOS 24.05.20240601.abcdef Installer '  --class installer {
      linux /boot/bzImage ${isoboot} init=/nix/store/xyz-nixos-system-nixos/init video=1280x720@60
      initrd /boot/initrd
    }
  }
}
if [ "$root" != "cd0" ]; then
  menuentry 'rEFInd' --class refind {
    chainloader ($root)/EFI/boot/refind_x64.efi
  }
fi
menuentry 'Shutdown' --class shutdown {
  halt
}
)";

BootEntry FirstOf(std::string_view text) { return ParseGrubCfg(text).entries.at(0); }

TEST(GrubCfg, NixosImageIsUnderstood) {
    const BootMenu menu = ParseGrubCfg(kNixos);
    ASSERT_EQ(menu.entries.size(), 3u);
    EXPECT_EQ(menu.default_entry, 0u);
    EXPECT_TRUE(menu.notes.empty());
    const BootEntry& first = menu.entries[0];
    EXPECT_EQ(first.id, "nixos-24.05.20240601.abcdef-installer");
    EXPECT_EQ(first.title, "NixOS 24.05.20240601.abcdef Installer");
    EXPECT_EQ(first.label, "24.05.20240601.abcdef");
    EXPECT_EQ(first.kernel, "/boot/bzImage");
    EXPECT_EQ(first.initrds, std::vector<std::string>{"/boot/initrd"});
    EXPECT_EQ(first.command_line, "init=/nix/store/xyz-nixos-system-nixos/init root=LABEL=nixos-24.05 loglevel=4");
    EXPECT_EQ(menu.entries[1].id, "nixos-24.05.20240601.abcdef-installer-debug");
    EXPECT_EQ(menu.entries[2].id, "nixos-24.05.20240601.abcdef-installer-2");
    EXPECT_EQ(menu.entries[2].title,
              "HiDPI, Quirks and Accessibility > Suggests resolution @720p > NixOS 24.05.20240601.abcdef Installer");
}

TEST(GrubCfg, WordsMayBeQuotedEscapedAndContinued) {
    const BootEntry entry =
        FirstOf("menuentry \"a \\\"b\\\" \\$c\" { linux /my\\ kernel 'x y'=1 \\\n \"z\"w; initrd '/i' /j }");
    EXPECT_EQ(entry.title, "a \"b\" $c");
    EXPECT_EQ(entry.kernel, "/my kernel");
    EXPECT_EQ(entry.command_line, "\"x y=1\" zw");
    EXPECT_EQ(entry.initrds, (std::vector<std::string>{"/i", "/j"}));
}

TEST(GrubCfg, VariablesAreWhatSetMadeThem) {
    const BootEntry entry = FirstOf(
        "set k=/kernel\nset p=\"quiet $k\"\n"
        "if x; then set k=/evil; fi\n"
        "menuentry a { linux ${k}s $p; set k=/never\n initrd (hd0,1)/i }");
    EXPECT_EQ(entry.kernel, "/kernels");
    EXPECT_EQ(entry.command_line, "quiet /kernel");
    EXPECT_EQ(entry.initrds, std::vector<std::string>{"/i"});
}

TEST(GrubCfg, UnknownVariablesAreEmptyWithANoteAndNoPaths) {
    const BootMenu menu = ParseGrubCfg(
        "menuentry a { linux ($drive1)/k $x y }\n"
        "menuentry b { linux /k$v }\n");
    ASSERT_EQ(menu.entries.size(), 1u);
    EXPECT_EQ(menu.entries[0].kernel, "/k");
    EXPECT_EQ(menu.entries[0].command_line, "y");
    EXPECT_EQ(menu.notes,
              (std::vector<std::string>{
                  "the boot entry \"a\" has the variable \"x\" in its command line; it was taken to be empty",
                  "the boot entry \"b\" was left out: the value of \"v\" in a path is not known"}));
}

TEST(GrubCfg, NixosConfigurationsAreGenerations) {
    const BootEntry entry = FirstOf(
        "menuentry \"NixOS - Configuration 12 (2024-06-01 - 24.05.20240601.abcdef)\" --class nixos --unrestricted {\n"
        "search --set=drive1 --fs-uuid ABCD-1234\n"
        "linux ($drive1)//kernels/abc-linux-6.6.32-bzImage init=/nix/store/xyz/init loglevel=4\n"
        "initrd ($drive1)//kernels/def-initrd\n}\n");
    EXPECT_EQ(entry.generation, 12u);
    EXPECT_EQ(entry.date, "2024-06-01");
    EXPECT_EQ(entry.kernel, "/kernels/abc-linux-6.6.32-bzImage");
}

TEST(GrubCfg, DefaultIsANumberOfTheTopMenuAnIdOrATitle) {
    const std::string entries =
        "submenu s { menuentry a { linux /a\n} }\nmenuentry B --id b { linux /b\n}\nmenuentry 'See' { linux /c\n}\n";
    EXPECT_EQ(ParseGrubCfg("set default=0\n" + entries).default_entry, 0u);
    EXPECT_EQ(ParseGrubCfg("set default=1\n" + entries).default_entry, 1u);
    EXPECT_EQ(ParseGrubCfg("set default=b\n" + entries).default_entry, 1u);
    EXPECT_EQ(ParseGrubCfg("set default=\"See\"\n" + entries).default_entry, 2u);
    EXPECT_EQ(ParseGrubCfg("set default=9\n" + entries).default_entry, 0u);
}

TEST(GrubCfg, EntriesThatAConditionDecidesAreLeftOut) {
    const BootMenu menu = ParseGrubCfg("menuentry a { if x; then linux /k; else linux /l; fi\n }\n");
    EXPECT_TRUE(menu.entries.empty());
    EXPECT_EQ(menu.notes,
              std::vector<std::string>{"the boot entry \"a\" was left out: what it starts depends on a condition"});
}

TEST(GrubCfg, FunctionsAndHiddenEntriesAreNoEntries) {
    EXPECT_TRUE(
        ParseGrubCfg("function f { menuentry a { linux /k\n } }\nhiddenentry b { linux /k\n }").entries.empty());
}

TEST(GrubCfg, UnfinishedEntriesAreNoEntries) {
    EXPECT_TRUE(ParseGrubCfg("menuentry a { linux /k 'x").entries.empty());
    EXPECT_TRUE(ParseGrubCfg("} } menuentry").entries.empty());
}

TEST(GrubCfg, DeepNestingEndsTheReading) {
    std::string text = "menuentry a { linux /k\n}\n";
    for (int i = 0; i < 100; ++i) text += "submenu x {\n";
    const BootMenu menu = ParseGrubCfg(text);
    EXPECT_EQ(menu.entries.size(), 1u);
    EXPECT_EQ(menu.notes, std::vector<std::string>{"the boot menu is nested too deeply; the rest of it was not read"});
}

TEST(GrubCfg, CommandLinesAreWholeOrRefused) {
    std::string parameters;
    for (int i = 0; i < 4000; ++i) parameters += " a";
    EXPECT_EQ(FirstOf("menuentry x { linux /k" + parameters + "\n}\n").command_line, parameters.substr(1));
    const BootMenu menu = ParseGrubCfg("menuentry x { linux /k" + parameters + parameters + parameters + "\n}\n");
    EXPECT_TRUE(menu.entries.empty());
    EXPECT_EQ(menu.notes,
              std::vector<std::string>{"the boot entry \"x\" was left out: one of its commands is too long"});
}

TEST(GrubCfg, ValuesDoNotMultiply) {
    std::string text = "set a=" + std::string(1000, 'a') + "\nmenuentry x { linux /k ";
    for (int i = 0; i < 100'000; ++i) text += "$a";
    const BootMenu menu = ParseGrubCfg(text + "\n}\n");
    EXPECT_TRUE(menu.entries.empty());
    EXPECT_EQ(menu.notes, std::vector<std::string>{
                              "the boot entry \"x\" was left out: the kernel command line is longer than 8191 bytes"});
}

}  // namespace
}  // namespace husk
