// From an entry of a menu to the bytes that it starts.
#pragma once

#include <span>
#include <vector>

#include "boot/nixos/menus/boot_menu.h"
#include "boot/nixos/volumes/volume.h"
#include "vmm/base/result.h"

namespace husk {

struct EntryFiles {
    FileExtents kernel;
    std::vector<FileExtents> initrds;  // in the entry's order
};

// The files that `entry` names, in the volume that it names of `volumes`. None is empty. An error that names the one
// that is missing.
[[nodiscard]] Result<EntryFiles> PlanEntry(const BootEntry& entry, std::span<const Volume* const> volumes);

}  // namespace husk
