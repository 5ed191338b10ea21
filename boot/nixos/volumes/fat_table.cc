#include "boot/nixos/volumes/fat_table.h"

#include <algorithm>
#include <optional>

#include "boot/nixos/volumes/extents.h"
#include "vmm/base/bytes.h"

namespace husk {
namespace {

std::unexpected<Error> Damaged(const char* what) {
    return Fail(ErrorKind::kBootSource, std::string("its FAT file system is damaged: ") + what);
}
std::unexpected<Error> NoSuchCluster() { return Damaged("it leads to a cluster that is free, bad or does not exist"); }

}  // namespace

Result<FileExtents> FatTable::File(Cluster first, std::uint32_t size) {
    const std::uint64_t clusters = (std::uint64_t{size} + geometry_.cluster_bytes - 1) / geometry_.cluster_bytes;
    if (clusters > geometry_.clusters) return Damaged("it is larger than the file system that holds it");
    FileExtents file;
    Link link{.last = false, .next = first};
    for (std::uint64_t i = 0; i < clusters; ++i) {
        if (link.last) return Damaged("it is larger than its chain of clusters");
        if (!geometry_.Has(link.next)) return NoSuchCluster();
        ByteRange range = geometry_.RangeOf(link.next);
        range.length = std::min<std::uint64_t>(range.length, size - file.size);
        HUSK_TRY(AppendRange(file, range));
        link = HUSK_TRY(Follow(link.next));
    }
    if (clusters > 0 && !link.last) return Damaged("its chain of clusters is longer than it, or runs in a circle");
    return file;
}

Result<FileExtents> FatTable::Directory(Cluster first) {
    FileExtents directory;
    Link link{.last = false, .next = first};
    while (!link.last) {
        if (!geometry_.Has(link.next)) return NoSuchCluster();
        if (directory.size + geometry_.cluster_bytes > kMaxDirectoryBytes) {
            return Damaged(
                "this directory is larger than FAT allows (2 MiB), or its chain of clusters runs in a circle");
        }
        HUSK_TRY(AppendRange(directory, geometry_.RangeOf(link.next)));
        link = HUSK_TRY(Follow(link.next));
    }
    return directory;
}

// For a cluster that exists: its entry is within the table.
Result<FatTable::Link> FatTable::Follow(Cluster cluster) {
    const auto number = static_cast<std::uint32_t>(cluster);
    std::uint32_t value = 0;
    std::uint32_t first_last = 0;  // the lowest of the values that mark the end of a chain
    switch (geometry_.type) {
        case FatType::k12: {
            const auto both = LoadAt<std::uint16_t>(HUSK_TRY(ChunkAt(0)), number + number / 2).value();
            value = (number & 1U) != 0 ? both >> 4 : both & 0xfffU;
            first_last = 0xff8;
            break;
        }
        case FatType::k16:
            value = LoadAt<std::uint16_t>(HUSK_TRY(ChunkAt(number / (kChunk / 2))), number % (kChunk / 2) * 2).value();
            first_last = 0xfff8;
            break;
        case FatType::k32:
            value = LoadAt<std::uint32_t>(HUSK_TRY(ChunkAt(number / (kChunk / 4))), number % (kChunk / 4) * 4).value() &
                    0x0fff'ffffU;
            first_last = 0x0fff'fff8;
            break;
    }
    if (value >= first_last) return Link{.last = true, .next = {}};
    if (!geometry_.Has(Cluster{value})) return NoSuchCluster();
    return Link{.last = false, .next = Cluster{value}};
}

Result<std::span<const std::byte>> FatTable::ChunkAt(std::uint32_t index) {
    if (index == chunk_index_) return chunk_;
    auto found = cache_.find(index);
    if (found == cache_.end()) {
        if (reads_ == kMaxReads) {
            return Fail(ErrorKind::kBootSource, "it is too scattered over a very large FAT file system: copy it anew");
        }
        ++reads_;
        if (cache_.size() == kMaxCached) cache_.clear();
        const std::uint64_t begin = std::uint64_t{index} * kChunk;
        std::vector<std::byte> bytes(std::min<std::uint64_t>(kChunk, geometry_.table.length - begin));
        HUSK_TRY_IN("its file allocation table", source_.Read(geometry_.table.offset + begin, bytes));
        found = cache_.emplace(index, std::move(bytes)).first;
    }
    chunk_index_ = index;
    chunk_ = found->second;
    return chunk_;
}

}  // namespace husk
