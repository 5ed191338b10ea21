// What a driver can read about the disk before it sends a request.
#include <gtest/gtest.h>

#include "devices/virtio/blk/blk_config.h"
#include "vmm/base/bytes.h"

namespace husk {
namespace {

constexpr DiskGeometry kFile{
    .bytes = 10 * 4096, .physical_block = 4096, .minimum_io = 4096, .discard_granularity = 4096};
constexpr std::uint64_t kAlways =
    1u << 28 | 1u << 29 | 1u << 2 | 1u << 6 | 1u << 9 | 1u << 10 | 1u << 11;  // what every disk offers

template <typename T>
T Field(const BlkConfigSpace& config, std::size_t offset) {
    return *LoadAt<T>(BytesOf(config), offset);
}

TEST(BlkConfig, CapacityIsInSectors) {
    const BlkConfigSpace config = BlkConfigOf({.bytes = 10 * 512}, {});
    EXPECT_EQ(Field<std::uint64_t>(config, 0), 10u);
    EXPECT_EQ(Field<std::uint32_t>(config, 12), kBlkSegMax);
    EXPECT_EQ(Field<std::uint32_t>(config, 20), 512u);
}

TEST(BlkConfig, BlockSizeIsThatOfTheDiskOrALargerOneThatWasAskedFor) {
    EXPECT_EQ(BlkConfigOf({.bytes = 1 << 20, .logical_block = 4096}, {}).blk_size, 4096u);
    EXPECT_EQ(BlkConfigOf({.bytes = 1 << 20}, {.block = 4096}).blk_size, 4096u);
    EXPECT_EQ(BlkConfigOf({.bytes = 1 << 20, .logical_block = 4096}, {.block = 512}).blk_size, 4096u);
}

TEST(BlkConfig, CapacityHasNoPartOfABlock) {
    EXPECT_EQ(BlkConfigOf({.bytes = 4096 + 512}, {.block = 4096}).capacity, 8u);
}

TEST(BlkConfig, TopologyIsInLogicalBlocks) {
    const BlkConfigSpace config = BlkConfigOf(
        {.bytes = 1 << 20, .physical_block = 4096, .alignment_offset = 512, .minimum_io = 8192, .optimal_io = 65536},
        {});
    EXPECT_EQ(Field<std::uint8_t>(config, 24), 3u);     // physical_block_exp
    EXPECT_EQ(Field<std::uint8_t>(config, 25), 1u);     // alignment_offset
    EXPECT_EQ(Field<std::uint16_t>(config, 26), 16u);   // min_io_size
    EXPECT_EQ(Field<std::uint32_t>(config, 28), 128u);  // opt_io_size
}

TEST(BlkConfig, CacheModeAndQueuesAreThoseAskedFor) {
    EXPECT_EQ(Field<std::uint8_t>(BlkConfigOf(kFile, {}), 32), 1u);
    const BlkConfigSpace config = BlkConfigOf(kFile, {.writeback = false, .queues = 4});
    EXPECT_EQ(Field<std::uint8_t>(config, 32), 0u);
    EXPECT_EQ(Field<std::uint16_t>(config, 34), 4u);
}

TEST(BlkConfig, DiscardIsDescribedWhereTheHostCanTakeSomethingBack) {
    const BlkConfigSpace config = BlkConfigOf(kFile, {});
    EXPECT_EQ(Field<std::uint32_t>(config, 36), kBlkMaxRangeSectors);
    EXPECT_EQ(Field<std::uint32_t>(config, 40), 1u);
    EXPECT_EQ(Field<std::uint32_t>(config, 44), 8u);  // discard_sector_alignment
    EXPECT_EQ(Field<std::uint8_t>(config, 56), 1u);   // write_zeroes_may_unmap
    EXPECT_EQ(BlkConfigOf({.bytes = 4096}, {}).max_discard_sectors, 0u);
}

TEST(BlkConfig, WritableDiskOffersWhatItServes) {
    EXPECT_EQ(BlkFeatures(kFile, {}), kAlways | 1u << 13 | 1u << 14);
    EXPECT_EQ(BlkFeatures(kFile, {.queues = 2}), kAlways | 1u << 12 | 1u << 13 | 1u << 14);
}

TEST(BlkConfig, DiscardIsNotOfferedWhenItIsOffOrTheHostCannot) {
    EXPECT_EQ(BlkFeatures(kFile, {.discard = false}), kAlways | 1u << 14);
    EXPECT_EQ(BlkFeatures({.bytes = 4096}, {}), kAlways | 1u << 14);
    const BlkConfigSpace config = BlkConfigOf(kFile, {.discard = false});
    EXPECT_EQ(config.max_discard_sectors, 0u);
    EXPECT_EQ(config.write_zeroes_may_unmap, 0u);
}

// No SCSI passthrough, nothing that changes the disk.
TEST(BlkConfig, ReadOnlyDiskSaysSoAndOffersNothingThatWrites) {
    EXPECT_EQ(BlkFeatures(kFile, {.read_only = true}), kAlways | 1u << 5);
    EXPECT_EQ(BlkConfigOf(kFile, {.read_only = true}).max_write_zeroes_sectors, 0u);
}

}  // namespace
}  // namespace husk
