// What GPT and MBR have in common. Of use to boot/nixos/volumes/{gpt,mbr,partitions}.cc only.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "boot/nixos/volumes/partitions.h"
#include "vmm/base/result.h"

namespace husk {

inline constexpr std::uint32_t kMbrSector = 512;  // bytes, whatever the disk's sectors are

// Collects what a table holds; the rules for what lies outside of the source and for overlaps (see partitions.h).
class PartitionTable {
 public:
    explicit PartitionTable(std::uint64_t source_size) : source_size_(source_size) {}
    // From sector `first`, `sectors` (not 0) of `sector_size` bytes each.
    [[nodiscard]] Result<> Add(std::uint32_t number, std::uint64_t first, std::uint64_t sectors,
                               std::uint32_t sector_size, PartitionKind kind);
    [[nodiscard]] Result<std::vector<Partition>> Take() &&;

 private:
    std::uint64_t source_size_;
    std::vector<Partition> partitions_;
};

// For a source whose MBR has the protective entry.
[[nodiscard]] Result<std::vector<Partition>> ReadGpt(const ByteSource& source);

enum class MbrKind { kNone, kProtective, kPartitions };
// kNone also for an MBR without entries. `sector` is the first one of the source.
[[nodiscard]] MbrKind MbrKindOf(std::span<const std::byte, kMbrSector> sector);
[[nodiscard]] Result<std::vector<Partition>> ReadMbr(const ByteSource& source,
                                                     std::span<const std::byte, kMbrSector> sector);

}  // namespace husk
