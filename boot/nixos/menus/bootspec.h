// boot.json of a NixOS toplevel: Bootspec v1 (NixOS RFC 125) and its specialisations.
#pragma once

#include <string_view>

#include "boot/nixos/menus/boot_menu.h"
#include "vmm/base/result.h"

namespace husk {

// "org.nixos.bootspec.v1" is the first entry and the default, with the identifier "system"; those of
// "org.nixos.specialisation.v1" follow, each with its name as identifier. Other keys are extensions, and ignored. The
// command line is init= and then kernelParams, as NixOS' boot loaders write it. A specialisation that cannot be used is
// left out with a note; an error when that is so of the system itself, or when the text is no such document.
//
// Paths are of the host and as the document says: absolute, and no more. Whoever opens them decides which folders a
// stranger's document may name.
[[nodiscard]] Result<BootMenu> ParseBootspec(std::string_view text);

}  // namespace husk
