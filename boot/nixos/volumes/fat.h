// FatVolume: FAT12, FAT16 and FAT32 with long names, as an EFI system partition has it. Names are compared without
// regard to the case of ASCII letters. FAT has no links.
//
// Memory of one call: a directory (2 MiB at most), its table's cache (16 MiB), a file's ranges (65536 at most).
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "boot/nixos/volumes/fat_directory.h"
#include "boot/nixos/volumes/fat_geometry.h"
#include "boot/nixos/volumes/volume.h"
#include "vmm/base/result.h"

namespace husk {

class FatVolume final : public Volume {
 public:
    // Whether the partition begins like a FAT file system: one read of 512 bytes. True also for what is damaged or
    // cannot be read: Open() then says why.
    [[nodiscard]] static bool IsFat(const ByteSource& source, const ByteRange& partition);
    // `source` outlives it.
    [[nodiscard]] static Result<FatVolume> Open(const ByteSource& source, const ByteRange& partition);

    [[nodiscard]] Result<std::vector<std::string>> List(std::string_view directory) const override;
    // A file whose clusters do not add up to its size is an error. Two files that share clusters are not noticed:
    // nobody can say whose they are, and both are only read.
    [[nodiscard]] Result<std::optional<FileExtents>> Find(std::string_view path) const override;

    // The volume's label; empty when it has none.
    [[nodiscard]] Result<std::string> Label() const;
    [[nodiscard]] std::uint32_t Serial() const { return geometry_.serial; }

 private:
    FatVolume(const ByteSource& source, const FatGeometry& geometry) : source_(&source), geometry_(geometry) {}
    [[nodiscard]] Result<std::vector<std::byte>> ReadRoot() const;
    [[nodiscard]] Result<std::vector<std::byte>> ReadDirectory(Cluster first) const;
    [[nodiscard]] Result<std::vector<std::byte>> ReadAll(FileExtents directory) const;
    // The bytes of the directory with these names, or nothing.
    [[nodiscard]] Result<std::optional<std::vector<std::byte>>> Enter(std::span<const std::string_view> names) const;

    const ByteSource* source_;
    FatGeometry geometry_;
};

}  // namespace husk
