// What a driver can read about the disk before it sends a request.
#include <gtest/gtest.h>

#include "devices/virtio/blk/blk_config.h"
#include "vmm/base/bytes.h"

namespace husk {
namespace {

TEST(BlkConfig, CapacityIsInSectors) {
    const BlkConfigSpace config = BlkConfigOf(10 * 512);
    EXPECT_EQ(LoadAt<std::uint64_t>(BytesOf(config), 0), 10u);
    EXPECT_EQ(LoadAt<std::uint32_t>(BytesOf(config), 12), kBlkSegMax);
    EXPECT_EQ(LoadAt<std::uint32_t>(BytesOf(config), 20), 512u);
}

TEST(BlkConfig, BlockSizeIsThatOfTheDisk) {
    EXPECT_EQ(LoadAt<std::uint32_t>(BytesOf(BlkConfigOf(1 << 20, 4096)), 20), 4096u);
}

TEST(BlkConfig, WritableDiskOffersFlushAndNotReadOnly) {
    EXPECT_EQ(BlkFeatures(false) & (1u << 9), 1u << 9);
    EXPECT_EQ(BlkFeatures(false) & (1u << 5), 0u);
}

TEST(BlkConfig, ReadOnlyDiskSaysSo) { EXPECT_EQ(BlkFeatures(true) & (1u << 5), 1u << 5); }

// No SCSI passthrough, no discard, no second queue: nothing that is not served.
TEST(BlkConfig, NothingElseIsOffered) {
    EXPECT_EQ(BlkFeatures(true), (1u << 28 | 1u << 29 | 1u << 2 | 1u << 5 | 1u << 6 | 1u << 9));
}

}  // namespace
}  // namespace husk
