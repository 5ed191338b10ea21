// grub.cfg: `menuentry 'title' { linux /kernel parameters; initrd /initrd }`, in plain words. It is a script in truth;
// what a condition, a loop or a function decides is not known here.
#pragma once

#include <string_view>

#include "boot/nixos/menus/boot_menu.h"

namespace husk {

// The menu of a grub.cfg, those below `submenu` after the others of the same level as they come. Never fails: an entry
// that cannot be used is left out with a note, and one that starts no Linux is left out.
//
// Variables have the values that `set` gives them outside of conditions; others are empty (the NixOS ISO's isoboot is
// meant to be), which a note says, and leave out an entry whose kernel or initrd they name. A device in front of a path
// ("($root)/boot/bzImage") is taken to be the volume. The identifier of an entry is its --id, else made of its title.
[[nodiscard]] BootMenu ParseGrubCfg(std::string_view text);

}  // namespace husk
