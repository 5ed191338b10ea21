// What a virtio-blk device of ours offers: features and configuration space (Virtio 1.2 §5.2.3, §5.2.4). Built by the
// launcher from the opened disk, shown by the vmm.
#pragma once

#include <cstddef>
#include <cstdint>

#include "devices/virtio/queue_layout.h"

namespace husk {

inline constexpr std::uint64_t kFeatureBlkSegMax = std::uint64_t{1} << 2;
inline constexpr std::uint64_t kFeatureBlkReadOnly = std::uint64_t{1} << 5;
inline constexpr std::uint64_t kFeatureBlkBlockSize = std::uint64_t{1} << 6;
inline constexpr std::uint64_t kFeatureBlkFlush = std::uint64_t{1} << 9;

inline constexpr std::uint32_t kBlkQueues = 1;
inline constexpr std::uint16_t kBlkQueueSize = 256;
// Data buffers of one request: 504 KiB of scattered pages. With header and status they fill a task's buffers exactly.
inline constexpr std::uint32_t kBlkSegMax = 126;
inline constexpr std::size_t kBlkMaxBuffers = kBlkSegMax + 2;
inline constexpr std::uint32_t kBlkSectorBytes = 512;  // the unit of the protocol, whatever blk_size says

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
};
static_assert(offsetof(BlkConfigSpace, seg_max) == 12 && offsetof(BlkConfigSpace, blk_size) == 20 &&
              offsetof(BlkConfigSpace, writeback) == 32 && offsetof(BlkConfigSpace, num_queues) == 34 &&
              sizeof(BlkConfigSpace) == 40);

[[nodiscard]] constexpr std::uint64_t BlkFeatures(bool read_only) {
    return kFeatureIndirectDesc | kFeatureEventIdx | kFeatureBlkSegMax | kFeatureBlkBlockSize | kFeatureBlkFlush |
           (read_only ? kFeatureBlkReadOnly : 0);
}

// For a disk of `bytes` bytes with logical blocks of `block_bytes`.
[[nodiscard]] constexpr BlkConfigSpace BlkConfigOf(std::uint64_t bytes, std::uint32_t block_bytes = kBlkSectorBytes) {
    BlkConfigSpace config;
    config.capacity = bytes / kBlkSectorBytes;
    config.seg_max = kBlkSegMax;
    config.blk_size = block_bytes;
    return config;
}

}  // namespace husk
