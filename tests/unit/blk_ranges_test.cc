// Discard and write zeroes: what is asked of the disk, and what is refused (Virtio 1.2 §5.2.6).
#include <gtest/gtest.h>

#include <cerrno>

#include "tests/unit/blk_driver.h"

namespace husk {
namespace {

using testing::BlkMachine;
using testing::Pattern;
using testing::SentChain;

constexpr int kOk = 0;
constexpr int kIoError = 1;
constexpr int kUnsupported = 2;

int StatusOf(BlkMachine& machine, std::uint32_t type, const BlkRange& range) {
    const SentChain chain = machine.OnRange(type, range);
    EXPECT_TRUE(machine.Serve());
    return machine.Status(chain);
}

TEST(BlkRanges, DiscardReachesTheDisk) {
    BlkMachine machine;
    EXPECT_EQ(StatusOf(machine, kBlkTypeDiscard, {.sector = 8, .sectors = 16}), kOk);
    ASSERT_EQ(machine.disk.discarded.size(), 1u);
    EXPECT_EQ(machine.disk.discarded[0].offset, 8u * 512);
    EXPECT_EQ(machine.disk.discarded[0].length, 16u * 512);
}

TEST(BlkRanges, ZeroedSectorsReadZeroAndNoOthers) {
    BlkMachine machine;
    const auto before = machine.disk.Contents(0, 512);
    EXPECT_EQ(StatusOf(machine, kBlkTypeWriteZeroes, {.sector = 1, .sectors = 2}), kOk);
    EXPECT_EQ(machine.disk.Contents(512, 1024), std::vector<std::byte>(1024));
    EXPECT_EQ(machine.disk.Contents(0, 512), before);
    EXPECT_EQ(machine.disk.unmapped, Unmap::kNo);
}

TEST(BlkRanges, UnmapIsPassedOnWhenZeroing) {
    BlkMachine machine;
    EXPECT_EQ(StatusOf(machine, kBlkTypeWriteZeroes, {.sector = 1, .sectors = 2, .flags = 1}), kOk);
    EXPECT_EQ(machine.disk.unmapped, Unmap::kMay);
}

TEST(BlkRanges, SparseFileStaysSparse) {
    BlkMachine machine({.sparse = true});
    EXPECT_EQ(StatusOf(machine, kBlkTypeWriteZeroes, {.sector = 1, .sectors = 2}), kOk);
    EXPECT_EQ(machine.disk.unmapped, Unmap::kMay);
}

TEST(BlkRanges, ThoseUnderWayAreFewAndTheRestWaits) {
    BlkMachine machine({.threads = 2});
    machine.disk.Hold(0);
    std::vector<SentChain> zeroes;
    for (int i = 0; i < 4; ++i) zeroes.push_back(machine.OnRange(kBlkTypeWriteZeroes, {.sector = 0, .sectors = 1}));
    (void)machine.Serve();
    machine.disk.AwaitBlocked(2);
    EXPECT_EQ(machine.stats.requests.Get(), 3u);  // the third is held, the fourth still in the queue
    EXPECT_EQ(machine.device.Pause(), std::nullopt);
    machine.disk.Release(0);
    EXPECT_EQ(machine.Await(4).size(), 4u);
    for (const SentChain& chain : zeroes) EXPECT_EQ(machine.Status(chain), kOk);
}

TEST(BlkRanges, FlagsThatMeanNothingAreUnsupported) {
    BlkMachine machine;
    EXPECT_EQ(StatusOf(machine, kBlkTypeDiscard, {.sector = 0, .sectors = 1, .flags = 1}), kUnsupported);
    EXPECT_EQ(StatusOf(machine, kBlkTypeDiscard, {.sector = 0, .sectors = 1, .flags = 0x80}), kUnsupported);
    EXPECT_EQ(StatusOf(machine, kBlkTypeWriteZeroes, {.sector = 0, .sectors = 1, .flags = 2}), kUnsupported);
    EXPECT_TRUE(machine.disk.discarded.empty());
}

TEST(BlkRanges, WhatWasNotNegotiatedIsUnsupported) {
    BlkMachine machine({.knows_ranges = false});
    EXPECT_EQ(StatusOf(machine, kBlkTypeDiscard, {.sector = 0, .sectors = 1}), kUnsupported);
    EXPECT_EQ(StatusOf(machine, kBlkTypeWriteZeroes, {.sector = 0, .sectors = 1}), kUnsupported);
}

TEST(BlkRanges, RangeBeyondTheDiskIsAnError) {
    BlkMachine machine({.disk_bytes = 64 * 512});
    EXPECT_EQ(StatusOf(machine, kBlkTypeDiscard, {.sector = 63, .sectors = 1}), kOk);
    EXPECT_EQ(StatusOf(machine, kBlkTypeDiscard, {.sector = 63, .sectors = 2}), kIoError);
    EXPECT_EQ(StatusOf(machine, kBlkTypeWriteZeroes, {.sector = ~0ULL, .sectors = 2}), kIoError);
    EXPECT_EQ(StatusOf(machine, kBlkTypeWriteZeroes, {.sector = 0, .sectors = kBlkMaxRangeSectors + 1}), kIoError);
}

TEST(BlkRanges, RangeMayBeSplitOverBuffersOrMissing) {
    BlkMachine machine;
    const BlkRange range{.sector = 2, .sectors = 1};
    const SentChain split = machine.driver.Chain()
                                .Readable(BytesOf(BlkMachine::Header(kBlkTypeDiscard)))
                                .Readable(BytesOf(range).first(3))
                                .Readable(BytesOf(range).subspan(3))
                                .Writable(1)
                                .Send();
    const SentChain none =
        machine.driver.Chain().Readable(BytesOf(BlkMachine::Header(kBlkTypeDiscard))).Writable(1).Send();
    EXPECT_TRUE(machine.Serve());
    EXPECT_EQ(machine.Status(split), kOk);
    EXPECT_EQ(machine.Status(none), kIoError);
    EXPECT_EQ(machine.disk.discarded.size(), 1u);
}

TEST(BlkRanges, SecondRangeIsAnErrorAndNeitherIsDone) {
    BlkMachine machine;
    const std::array<BlkRange, 2> two{BlkRange{.sector = 0, .sectors = 1}, BlkRange{.sector = 2, .sectors = 1}};
    const SentChain chain = machine.driver.Chain()
                                .Readable(BytesOf(BlkMachine::Header(kBlkTypeDiscard)))
                                .Readable(std::as_bytes(std::span(two)))
                                .Writable(1)
                                .Send();
    EXPECT_TRUE(machine.Serve());
    EXPECT_EQ(machine.Status(chain), kIoError);
    EXPECT_TRUE(machine.disk.discarded.empty());
}

TEST(BlkRanges, ReadOnlyDiskKeepsWhatItHas) {
    BlkMachine machine({.read_only = true});
    EXPECT_EQ(StatusOf(machine, kBlkTypeDiscard, {.sector = 0, .sectors = 1}), kIoError);
    EXPECT_EQ(StatusOf(machine, kBlkTypeWriteZeroes, {.sector = 0, .sectors = 1}), kIoError);
    EXPECT_TRUE(machine.disk.discarded.empty());
}

TEST(BlkRanges, FailureOfTheHostIsAnErrorAndIsTold) {
    BlkMachine machine;
    machine.disk.fault = [](DiskOperation, std::uint64_t) { return EIO; };
    EXPECT_EQ(StatusOf(machine, kBlkTypeDiscard, {.sector = 2, .sectors = 1}), kIoError);
    const auto failure = machine.device.TakeHostFailure();
    ASSERT_TRUE(failure);
    EXPECT_EQ(failure->operation, DiskOperation::kDiscard);
    EXPECT_EQ(failure->offset, 1024u);
}

TEST(BlkRanges, ZeroesWithoutWritebackAreDurable) {
    BlkMachine machine({.writeback = false});
    EXPECT_EQ(StatusOf(machine, kBlkTypeWriteZeroes, {.sector = 1, .sectors = 1}), kOk);
    EXPECT_EQ(machine.disk.Durable(512, 512), std::vector<std::byte>(512));
}

TEST(BlkRanges, RequestsAreMadeOfWholeBlocks) {
    BlkMachine machine({.block = 4096});
    EXPECT_EQ(StatusOf(machine, kBlkTypeWriteZeroes, {.sector = 8, .sectors = 8}), kOk);
    EXPECT_EQ(StatusOf(machine, kBlkTypeWriteZeroes, {.sector = 8, .sectors = 4}), kIoError);
    const SentChain read = machine.Read(1, 4096);
    EXPECT_TRUE(machine.Serve());
    EXPECT_EQ(machine.Status(read), kIoError);
}

// --- The cache mode ---

TEST(BlkCacheMode, WithoutWritebackEveryWriteIsDurable) {
    BlkMachine machine({.writeback = false});
    (void)machine.Write(0, Pattern(512, 1));
    EXPECT_TRUE(machine.Serve());
    EXPECT_EQ(machine.disk.Durable(0, 512), Pattern(512, 1));
}

TEST(BlkCacheMode, DriverSwitchesItUntilItsReset) {
    BlkMachine machine;
    machine.device.SetWriteback(false);
    (void)machine.Write(0, Pattern(512, 1));
    EXPECT_TRUE(machine.Serve());
    EXPECT_EQ(machine.disk.Durable(0, 512), Pattern(512, 1));
    machine.device.Stop();
    machine.NewDriver();
    (void)machine.Write(1, Pattern(512, 2));
    EXPECT_TRUE(machine.Serve());
    EXPECT_NE(machine.disk.Durable(512, 512), Pattern(512, 2));
    EXPECT_EQ(machine.disk.Contents(512, 512), Pattern(512, 2));
}

// --- Its size ---

TEST(BlkResize, RequestsGoByTheNewSize) {
    BlkMachine machine({.disk_bytes = 64 * 512});
    machine.device.Resize(32 * 512);
    const SentChain beyond = machine.Read(32, 512);
    const SentChain within = machine.Read(31, 512);
    EXPECT_TRUE(machine.Serve());
    EXPECT_EQ(machine.Status(beyond), kIoError);
    EXPECT_EQ(machine.Status(within), kOk);
}

}  // namespace
}  // namespace husk
