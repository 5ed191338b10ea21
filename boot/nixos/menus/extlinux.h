// extlinux.conf, as NixOS' generic-extlinux-compatible boot loader writes it for U-Boot.
#pragma once

#include <optional>

#include "boot/nixos/byte_source.h"
#include "boot/nixos/menus/boot_menu.h"
#include "boot/nixos/volumes/volume.h"
#include "vmm/base/result.h"

namespace husk {

// The menu of /extlinux/extlinux.conf or /boot/extlinux/extlinux.conf; nothing when `volume` has neither. Device trees
// are ignored. The menu may be without entries: its notes say why.
[[nodiscard]] Result<std::optional<BootMenu>> ReadExtlinuxMenu(const ByteSource& source, const Volume& volume);

}  // namespace husk
