#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "boot/nixos/menus/isolinux.h"
#include "tests/support/fake_volume.h"

namespace husk {
namespace {

using testing::FakeDisk;

// As NixOS' iso-image.nix writes it; newer ones have the kernel's store path below /boot.
constexpr std::string_view kNixos = R"(SERIAL 0 115200
TIMEOUT 100
UI vesamenu.c32
MENU BACKGROUND /isolinux/background.png
MENU COLOR BORDER       30;44      #00000000    #00000000   none

DEFAULT boot

LABEL boot
MENU LABEL NixOS 24.05.20240601.abcdef Installer
LINUX /boot//nix/store/abc-linux-6.6.32/bzImage
APPEND init=/nix/store/xyz-nixos-system-nixos/init  root=LABEL=nixos-minimal-24.05-x86_64 loglevel=4
INITRD /boot//nix/store/def-initrd-linux-6.6.32/initrd

# A variant to boot with 'nomodeset'
LABEL boot-nomodeset
MENU LABEL NixOS 24.05.20240601.abcdef Installer (nomodeset)
LINUX /boot/bzImage
APPEND init=/nix/store/xyz-nixos-system-nixos/init root=LABEL=nixos-minimal-24.05-x86_64 loglevel=4 nomodeset
INITRD /boot/initrd
)";

TEST(Isolinux, NixosImageIsUnderstood) {
    FakeDisk iso;
    const auto& volume = iso.AddVolume().Write("/isolinux/isolinux.cfg", kNixos);
    const BootMenu menu = ReadIsoMenu(iso, volume).value();
    ASSERT_EQ(menu.entries.size(), 2u);
    EXPECT_EQ(menu.default_entry, 0u);
    EXPECT_EQ(menu.entries[0].id, "boot");
    EXPECT_EQ(menu.entries[0].label, "24.05.20240601.abcdef");
    EXPECT_EQ(menu.entries[0].kernel, "/boot/nix/store/abc-linux-6.6.32/bzImage");
    EXPECT_EQ(menu.entries[0].initrds, std::vector<std::string>{"/boot/nix/store/def-initrd-linux-6.6.32/initrd"});
    EXPECT_EQ(menu.entries[0].command_line,
              "init=/nix/store/xyz-nixos-system-nixos/init  root=LABEL=nixos-minimal-24.05-x86_64 loglevel=4");
    EXPECT_EQ(menu.entries[1].id, "boot-nomodeset");
    EXPECT_EQ(menu.entries[1].kernel, "/boot/bzImage");
}

TEST(Isolinux, GrubsMenuIsReadWhenThereIsNoOther) {
    FakeDisk iso;
    const auto& volume = iso.AddVolume()
                             .Write("/isolinux/isolinux.cfg", "LABEL a\nCOM32 x.c32\n")
                             .Write("/EFI/boot/grub.cfg", "menuentry 'A' { linux /k\n }\n");
    EXPECT_EQ(ReadIsoMenu(iso, volume).value().entries.at(0).id, "a");
}

TEST(Isolinux, ImagesWithoutMenuSayWhatWasLookedFor) {
    FakeDisk iso;
    const auto menu = ReadIsoMenu(iso, iso.AddVolume());
    ASSERT_FALSE(menu);
    EXPECT_EQ(menu.error().Kind(), ErrorKind::kBootSource);
    EXPECT_EQ(menu.error().Message(),
              "no boot menu: neither /isolinux/isolinux.cfg nor /EFI/BOOT/grub.cfg nor /boot/grub/grub.cfg is on it");
}

TEST(Isolinux, MenusWithoutLinuxSayWhy) {
    FakeDisk iso;
    const auto& volume = iso.AddVolume().Write("/isolinux/isolinux.cfg", "INCLUDE x.cfg\n");
    EXPECT_EQ(ReadIsoMenu(iso, volume).error().Message(),
              "its boot menu has no entry that starts a Linux kernel: the menu includes \"x.cfg\", which was not read");
}

}  // namespace
}  // namespace husk
