// The menu of a bootable ISO: isolinux.cfg, else grub.cfg. Modelled on nixpkgs' iso-image.nix (24.05 and newer).
#pragma once

#include "boot/nixos/byte_source.h"
#include "boot/nixos/menus/boot_menu.h"
#include "boot/nixos/volumes/volume.h"
#include "vmm/base/result.h"

namespace husk {

// A menu with at least one entry and a default. An error that says what was looked for.
[[nodiscard]] Result<BootMenu> ReadIsoMenu(const ByteSource& source, const Volume& volume);

}  // namespace husk
