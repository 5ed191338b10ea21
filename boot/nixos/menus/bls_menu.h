// The menu that systemd-boot would show: loader.conf and the entries of type 1, of one or two volumes.
#pragma once

#include <optional>
#include <span>

#include "boot/nixos/byte_source.h"
#include "boot/nixos/menus/boot_menu.h"
#include "boot/nixos/volumes/volume.h"
#include "vmm/base/result.h"

namespace husk {

// The entries of all `volumes` (the ESP first, then XBOOTLDR) in the specification's order; loader.conf is that of the
// first volume that has one. Nothing when no volume has a file /loader/entries/*.conf. A menu may be without entries,
// when none can be used: its notes say why. Boot counters are honoured and not counted down. An error when a volume
// cannot be read; a single bad file is left out with a note.
[[nodiscard]] Result<std::optional<BootMenu>> ReadBlsMenu(const ByteSource& source,
                                                          std::span<const Volume* const> volumes);

}  // namespace husk
