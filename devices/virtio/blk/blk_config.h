// What a virtio-blk device of ours offers: features and configuration space (Virtio 1.2 §5.2.3, §5.2.4). Built by the
// launcher from the opened disk and what the person asked for, shown by the vmm.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "devices/host/disk_geometry.h"
#include "devices/virtio/queue_layout.h"

namespace husk {

inline constexpr std::uint64_t kFeatureBlkSegMax = std::uint64_t{1} << 2;
inline constexpr std::uint64_t kFeatureBlkReadOnly = std::uint64_t{1} << 5;
inline constexpr std::uint64_t kFeatureBlkBlockSize = std::uint64_t{1} << 6;
inline constexpr std::uint64_t kFeatureBlkFlush = std::uint64_t{1} << 9;
inline constexpr std::uint64_t kFeatureBlkTopology = std::uint64_t{1} << 10;
inline constexpr std::uint64_t kFeatureBlkConfigWce = std::uint64_t{1} << 11;  // the driver may change `writeback`
inline constexpr std::uint64_t kFeatureBlkMultiQueue = std::uint64_t{1} << 12;
inline constexpr std::uint64_t kFeatureBlkDiscard = std::uint64_t{1} << 13;
inline constexpr std::uint64_t kFeatureBlkWriteZeroes = std::uint64_t{1} << 14;

inline constexpr std::uint32_t kMaxBlkQueues = 8;
inline constexpr std::uint16_t kBlkQueueSize = 256;
// Data buffers of one request: 504 KiB of scattered pages. With header and status they fill a task's buffers exactly.
inline constexpr std::uint32_t kBlkSegMax = 126;
inline constexpr std::size_t kBlkMaxBuffers = kBlkSegMax + 2;
inline constexpr std::uint32_t kBlkSectorBytes = 512;  // the unit of the protocol, whatever blk_size says
// One range in a request to discard or to zero, of 256 MiB at most, and two such requests under way: a reset has to
// wait for them, and a host may have to write all those zeroes.
inline constexpr std::uint32_t kBlkMaxRanges = 1;
inline constexpr std::uint32_t kBlkMaxRangeSectors = (std::uint32_t{256} << 20) / kBlkSectorBytes;
inline constexpr unsigned kBlkMaxRangesUnderWay = 2;

// §5.2.4 struct virtio_blk_config, as far as our features make it readable.
struct BlkConfigSpace {
    std::uint64_t capacity = 0;  // in sectors
    std::uint32_t size_max = 0;
    std::uint32_t seg_max = 0;
    std::uint16_t cylinders = 0;
    std::uint8_t heads = 0;
    std::uint8_t sectors = 0;
    std::uint32_t blk_size = 0;
    std::uint8_t physical_block_exp = 0;
    std::uint8_t alignment_offset = 0;
    std::uint16_t min_io_size = 0;
    std::uint32_t opt_io_size = 0;
    std::uint8_t writeback = 0;
    std::uint8_t unused0 = 0;
    std::uint16_t num_queues = 0;
    std::uint32_t max_discard_sectors = 0;
    std::uint32_t max_discard_seg = 0;
    std::uint32_t discard_sector_alignment = 0;
    std::uint32_t max_write_zeroes_sectors = 0;
    std::uint32_t max_write_zeroes_seg = 0;
    std::uint8_t write_zeroes_may_unmap = 0;
    std::array<std::uint8_t, 3> unused1{};
};
static_assert(offsetof(BlkConfigSpace, seg_max) == 12 && offsetof(BlkConfigSpace, blk_size) == 20 &&
              offsetof(BlkConfigSpace, writeback) == 32 && offsetof(BlkConfigSpace, num_queues) == 34 &&
              offsetof(BlkConfigSpace, discard_sector_alignment) == 44 &&
              offsetof(BlkConfigSpace, write_zeroes_may_unmap) == 56 && sizeof(BlkConfigSpace) == 64);

// What of a device is for a person to choose.
struct BlkOffer {
    bool read_only = false;
    bool writeback = true;  // false: a completed write is on the disk, until the driver asks for something else
    bool discard = true;    // where the host can take something back
    std::uint32_t queues = 1;
    std::uint32_t block = 0;  // bytes: a logical block larger than the host's; 0: the host's
};

[[nodiscard]] constexpr std::uint64_t BlkFeatures(const DiskGeometry& disk, const BlkOffer& offer) {
    std::uint64_t features = kFeatureIndirectDesc | kFeatureEventIdx | kFeatureBlkSegMax | kFeatureBlkBlockSize |
                             kFeatureBlkFlush | kFeatureBlkTopology | kFeatureBlkConfigWce;
    if (offer.queues > 1) features |= kFeatureBlkMultiQueue;
    if (offer.read_only) return features | kFeatureBlkReadOnly;
    features |= kFeatureBlkWriteZeroes;
    if (offer.discard && disk.discard_granularity != 0) features |= kFeatureBlkDiscard;
    return features;
}

// In sectors; no part of a block.
[[nodiscard]] constexpr std::uint64_t BlkCapacity(std::uint64_t bytes, std::uint32_t block) {
    return bytes / block * (block / kBlkSectorBytes);
}

[[nodiscard]] constexpr BlkConfigSpace BlkConfigOf(const DiskGeometry& disk, const BlkOffer& offer) {
    BlkConfigSpace config;
    const std::uint32_t block = std::max(disk.logical_block, offer.block);
    config.capacity = BlkCapacity(disk.bytes, block);
    config.seg_max = kBlkSegMax;
    config.blk_size = block;
    const std::uint32_t physical = std::max(disk.physical_block, block);
    config.physical_block_exp = static_cast<std::uint8_t>(std::countr_zero(physical) - std::countr_zero(block));
    config.alignment_offset = static_cast<std::uint8_t>(disk.alignment_offset / block);
    config.min_io_size = static_cast<std::uint16_t>(std::min<std::uint32_t>(disk.minimum_io / block, 0xffff));
    config.opt_io_size = disk.optimal_io / block;
    config.writeback = offer.writeback ? 1 : 0;
    config.num_queues = static_cast<std::uint16_t>(offer.queues);
    if (offer.read_only) return config;
    config.max_write_zeroes_sectors = kBlkMaxRangeSectors;
    config.max_write_zeroes_seg = kBlkMaxRanges;
    if (!offer.discard || disk.discard_granularity == 0) return config;
    config.max_discard_sectors = kBlkMaxRangeSectors;
    config.max_discard_seg = kBlkMaxRanges;
    config.discard_sector_alignment = std::max(disk.discard_granularity, block) / kBlkSectorBytes;
    config.write_zeroes_may_unmap = 1;
    return config;
}

}  // namespace husk
