// The menu of an installed disk: whichever boot loader's files are on its FAT volumes.
#pragma once

#include <span>

#include "boot/nixos/byte_source.h"
#include "boot/nixos/menus/boot_menu.h"
#include "boot/nixos/volumes/volume.h"
#include "vmm/base/result.h"

namespace husk {

// `volumes` of the disk `source`: the ESP, then XBOOTLDR, then others. systemd-boot's entries come first, of all
// volumes; else the extlinux.conf of the first volume that has one; else its grub.cfg, whose kernels are on the volume
// only if NixOS was told to put them there. At least one entry and a default; an error says what was looked for.
[[nodiscard]] Result<BootMenu> ReadDiskMenu(const ByteSource& source, std::span<const Volume* const> volumes);

}  // namespace husk
