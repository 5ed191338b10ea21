// BootImage: an image as a boot source: what there is to boot on it, and where its files are. A disk with partitions
// and FAT file systems, or an ISO 9660 image.
#pragma once

#include <memory>
#include <vector>

#include "boot/nixos/byte_source.h"
#include "boot/nixos/menus/boot_menu.h"
#include "boot/nixos/menus/entry_files.h"
#include "boot/nixos/volumes/partitions.h"
#include "boot/nixos/volumes/volume.h"
#include "vmm/base/result.h"

namespace husk {

class BootImage {
 public:
    // `source` outlives it. An error when there is nothing to boot: it says what was looked for.
    [[nodiscard]] static Result<BootImage> Open(const ByteSource& source);

    [[nodiscard]] const BootMenu& Menu() const { return menu_; }
    [[nodiscard]] bool IsIso() const { return is_iso_; }
    // Of one of the menu's entries.
    [[nodiscard]] Result<EntryFiles> Files(const BootEntry& entry) const;

 private:
    BootImage() = default;
    [[nodiscard]] Result<> OpenIso(const ByteSource& source);
    [[nodiscard]] Result<> OpenDisk(const ByteSource& source);
    [[nodiscard]] Result<> AddVolumes(const ByteSource& source, const std::vector<Partition>& partitions,
                                      PartitionKind kind);
    [[nodiscard]] std::vector<const Volume*> Volumes() const;

    std::vector<std::unique_ptr<Volume>> volumes_;
    BootMenu menu_;
    bool is_iso_ = false;
};

}  // namespace husk
