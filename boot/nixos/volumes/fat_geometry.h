// FatGeometry: where the parts of a FAT file system are, from its first sector (Microsoft FAT specification 1.03, "Boot
// Sector and BPB"). Everything in it is checked: the parts lie within the partition, in this order.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "boot/nixos/byte_source.h"
#include "vmm/base/result.h"

namespace husk {

// The number of a cluster, as the FAT has it: the first one is 2.
enum class Cluster : std::uint32_t {};

enum class FatType { k12, k16, k32 };

struct FatGeometry {
    FatType type = FatType::k12;
    std::uint32_t cluster_bytes = 0;  // a power of two, at most 512 KiB
    std::uint32_t clusters = 0;       // that exist and have an entry in the FAT: numbers 2 to clusters + 1
    ByteRange table;                  // the FAT in use, of the whole source
    ByteRange fixed_root;             // FAT12 and FAT16; else empty
    Cluster root{};                   // FAT32
    std::uint64_t data = 0;           // where cluster 2 is, in bytes of the whole source
    std::uint32_t serial = 0;         // the volume's

    [[nodiscard]] bool Has(Cluster cluster) const {
        const auto number = static_cast<std::uint32_t>(cluster);
        return number >= 2 && number - 2 < clusters;
    }
    // For a cluster that it has.
    [[nodiscard]] ByteRange RangeOf(Cluster cluster) const {
        return {data + std::uint64_t{static_cast<std::uint32_t>(cluster) - 2} * cluster_bytes, cluster_bytes};
    }
};

// Nothing when the partition does not begin like a FAT file system; an error when it does, but cannot be one.
//
// The type follows from the number of clusters, as the specification says, except that a file system without a
// 16-bit FAT size is FAT32 however few clusters it has: `mkfs.vfat -F 32` makes such ones, and Linux and EDK2 read
// them.
[[nodiscard]] Result<std::optional<FatGeometry>> ReadFatGeometry(const ByteSource& source, const ByteRange& partition);

}  // namespace husk
