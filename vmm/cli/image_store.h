// husk image store: the closure of a NixOS system as a read-only disk, by the tools a Nix host has.
#pragma once

#include "vmm/cli/options.h"

namespace husk {

// Says what it does; the exit status.
[[nodiscard]] int RunImageStore(const ImageStoreCommand& command);

}  // namespace husk
