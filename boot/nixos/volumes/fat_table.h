// FatTable: follows the chains of clusters in a file allocation table. Chains are a stranger's: they may run in
// circles, meet, leave the file system or fit no size. Every walk ends: a file's after the clusters that its size
// needs, a directory's after the most that FAT allows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "boot/nixos/volumes/fat_geometry.h"
#include "boot/nixos/volumes/volume.h"
#include "vmm/base/result.h"

namespace husk {

// The table is read in chunks as the walk needs them, each once while the cache (16 MiB) has room, which is so for
// every FAT up to that size. For larger ones the number of reads is bounded: beyond it a file counts as too scattered.
// For one look-up.
class FatTable {
 public:
    static constexpr std::uint32_t kMaxDirectoryBytes = 65536 * 32;  // Microsoft's and Linux's limit

    // Both outlive it.
    FatTable(const ByteSource& source, const FatGeometry& geometry) : source_(source), geometry_(geometry) {}

    // A file of `size` bytes from cluster `first` (meaningless when the file is empty). Its chain must have the
    // clusters that the size needs, and no more: so it has no circle, and the ranges do not overlap.
    [[nodiscard]] Result<FileExtents> File(Cluster first, std::uint32_t size);
    // A directory from cluster `first`, in whole clusters.
    [[nodiscard]] Result<FileExtents> Directory(Cluster first);

 private:
    struct Link {
        bool last = false;
        Cluster next{};  // one that exists, unless this was the last
    };
    static constexpr std::uint32_t kChunk = 64 * 1024;  // bytes; holds all of any FAT12, whose entries straddle bytes
    static constexpr std::size_t kMaxCached = 256;      // chunks
    static constexpr std::size_t kMaxReads = 4096;      // chunks

    [[nodiscard]] Result<Link> Follow(Cluster cluster);
    [[nodiscard]] Result<std::span<const std::byte>> ChunkAt(std::uint32_t index);

    const ByteSource& source_;
    const FatGeometry& geometry_;
    std::unordered_map<std::uint32_t, std::vector<std::byte>> cache_;
    std::span<const std::byte> chunk_;  // the one used last, of cache_
    std::uint32_t chunk_index_ = ~0U;
    std::size_t reads_ = 0;
};

}  // namespace husk
