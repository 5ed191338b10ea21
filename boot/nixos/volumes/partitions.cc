#include "boot/nixos/volumes/partitions.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "boot/nixos/volumes/extents.h"
#include "boot/nixos/volumes/partition_table.h"

namespace husk {

Result<> PartitionTable::Add(std::uint32_t number, std::uint64_t first, std::uint64_t sectors,
                             std::uint32_t sector_size, PartitionKind kind) {
    const std::uint64_t most = source_size_ / sector_size;
    if (first <= most && sectors <= most - first) {
        partitions_.push_back({number, {first * sector_size, sectors * sector_size}, kind});
        return {};
    }
    if (kind == PartitionKind::kOther) return {};
    return Fail(ErrorKind::kBootSource, "partition " + std::to_string(number) +
                                            ", a boot partition, ends after the end of the image: the image was cut, "
                                            "or it is not complete yet");
}

Result<std::vector<Partition>> PartitionTable::Take() && {
    std::vector<Partition> sorted = partitions_;
    std::ranges::sort(sorted, {}, [](const Partition& partition) { return partition.range.offset; });
    const Partition* last = nullptr;
    for (const Partition& partition : sorted) {
        if (partition.range.offset == 0) continue;
        if (last != nullptr && partition.range.offset < last->range.offset + last->range.length) {
            return Fail(ErrorKind::kBootSource, "partitions " + std::to_string(last->number) + " and " +
                                                    std::to_string(partition.number) +
                                                    " overlap: repair the partition table (fdisk or gdisk)");
        }
        last = &partition;
    }
    return std::move(partitions_);
}

Result<std::vector<Partition>> ReadPartitions(const ByteSource& source) {
    const std::vector<Partition> whole = {{0, {0, source.Size()}, PartitionKind::kOther}};
    if (source.Size() == 0) return Fail(ErrorKind::kBootSource, "it is empty");
    if (source.Size() < kMbrSector) return whole;
    std::array<std::byte, kMbrSector> sector;
    HUSK_TRY(source.Read(0, sector));
    switch (MbrKindOf(sector)) {
        case MbrKind::kProtective:
            return ReadGpt(source);
        case MbrKind::kPartitions:
            return ReadMbr(source, sector);
        case MbrKind::kNone:
            break;
    }
    return whole;
}

}  // namespace husk
