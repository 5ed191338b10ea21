// The block device as a driver sees it, with I/O on the spot: data, any shape of request, faults of both sides.
#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <string>
#include <vector>

#include "devices/virtio/blk/depth_policy.h"
#include "tests/unit/blk_driver.h"
#include "vmm/base/clock.h"

namespace husk {
namespace {

using testing::BlkMachine;
using testing::MemoryDisk;
using testing::Pattern;
using testing::SentChain;

constexpr int kOk = 0;
constexpr int kIoError = 1;
constexpr int kUnsupported = 2;
constexpr int kUnanswered = 0xee;

std::string Text(const std::vector<std::byte>& bytes) {
    std::string text;
    for (const std::byte b : bytes) text.push_back(static_cast<char>(b));
    return text;
}

TEST(BlkDevice, WrittenDataIsOnTheDisk) {
    BlkMachine machine;
    const auto data = Pattern(1024, 3);
    const SentChain write = machine.Write(5, data);
    ASSERT_TRUE(machine.Serve());
    EXPECT_EQ(machine.Status(write), kOk);
    EXPECT_EQ(machine.disk.Contents(5 * 512, 1024), data);
    EXPECT_EQ(machine.driver.TakeUsed(), (testing::UsedChain{write.head, 1}));
    EXPECT_EQ(machine.stats.bytes_in.Get(), 1024u);
}

TEST(BlkDevice, ReadGivesWhatIsOnTheDisk) {
    BlkMachine machine;
    const SentChain read = machine.Read(9, 4096);
    ASSERT_TRUE(machine.Serve());
    EXPECT_EQ(machine.Status(read), kOk);
    EXPECT_EQ(machine.Data(read), machine.disk.Contents(9 * 512, 4096));
    EXPECT_EQ(machine.driver.TakeUsed(), (testing::UsedChain{read.head, 4097}));
    EXPECT_EQ(machine.stats.bytes_out.Get(), 4096u);
}

TEST(BlkDevice, AnySplitOfARequestWorks) {
    const auto header = BlkMachine::Header(kBlkTypeWrite, 2);
    const auto data = Pattern(1024, 9);
    std::vector<std::byte> all(BytesOf(header).begin(), BytesOf(header).end());
    all.insert(all.end(), data.begin(), data.end());
    for (std::size_t first = 1; first < all.size(); ++first) {
        BlkMachine machine;
        const auto whole = std::span(all);
        machine.driver.Chain().Readable(whole.first(first)).Readable(whole.subspan(first)).Writable(1).Send();
        ASSERT_TRUE(machine.Serve());
        ASSERT_EQ(machine.disk.Contents(1024, 1024), data) << first;
    }
}

TEST(BlkDevice, ReadMayEndInTheBufferOfTheStatus) {
    BlkMachine machine;
    const SentChain read = machine.driver.Chain()
                               .Readable(BytesOf(BlkMachine::Header(kBlkTypeRead, 1)))
                               .Writable(100)
                               .Writable(413)
                               .Send();
    ASSERT_TRUE(machine.Serve());
    EXPECT_EQ(machine.Status(read), kOk);
    EXPECT_EQ(machine.Data(read), machine.disk.Contents(512, 512));
}

TEST(BlkDevice, IndirectChainsAreServed) {
    BlkMachine machine;
    const SentChain read = machine.driver.Chain()
                               .Indirect()
                               .Readable(BytesOf(BlkMachine::Header(kBlkTypeRead, 4)))
                               .Writable(512)
                               .Writable(512)
                               .Writable(1)
                               .Send();
    ASSERT_TRUE(machine.Serve());
    EXPECT_EQ(machine.Status(read), kOk);
    EXPECT_EQ(machine.Data(read), machine.disk.Contents(4 * 512, 1024));
}

TEST(BlkDevice, MostBuffersThatWereOfferedAreServed) {
    BlkMachine machine;
    auto chain = machine.driver.Chain();
    chain.Readable(BytesOf(BlkMachine::Header(kBlkTypeRead)));
    for (std::uint32_t i = 0; i < kBlkSegMax; ++i) chain.Writable(512);
    const SentChain read = chain.Writable(1).Send();
    ASSERT_TRUE(machine.Serve());
    EXPECT_EQ(machine.Status(read), kOk);
    EXPECT_EQ(machine.Data(read), machine.disk.Contents(0, kBlkSegMax * 512));
}

TEST(BlkDevice, OneBufferMoreBreaksTheQueue) {
    BlkMachine machine;
    auto chain = machine.driver.Chain();
    chain.Readable(BytesOf(BlkMachine::Header(kBlkTypeRead)));
    for (std::uint32_t i = 0; i < kBlkSegMax + 1; ++i) chain.Writable(512);
    const SentChain read = chain.Writable(1).Send();
    EXPECT_FALSE(machine.Serve());
    EXPECT_EQ(machine.device.Fault(), QueueFault::kChainTooLong);
    EXPECT_EQ(machine.Status(read), kUnanswered);
}

TEST(BlkDevice, RequestsBeyondTheEndFailAndTouchNothing) {
    BlkMachine machine({.disk_bytes = 8 * 512});
    const auto before = machine.disk.Contents(0, 8 * 512);
    const SentChain read = machine.Read(8, 512);
    const SentChain write = machine.Write(7, Pattern(1024, 1));
    const SentChain wrapping = machine.Write(~0ULL, Pattern(512, 1));
    ASSERT_TRUE(machine.Serve());
    EXPECT_EQ(machine.Status(read), kIoError);
    EXPECT_EQ(machine.Status(write), kIoError);
    EXPECT_EQ(machine.Status(wrapping), kIoError);
    EXPECT_EQ(machine.disk.Contents(0, 8 * 512), before);
    EXPECT_EQ(machine.stats.failed.Get(), 3u);
    EXPECT_EQ(machine.stats.bytes_in.Get() + machine.stats.bytes_out.Get(), 0u);
    EXPECT_EQ(machine.device.TakeHostFailure(), std::nullopt);
}

TEST(BlkDevice, ReadOnlyDiskRefusesWrites) {
    BlkMachine machine({.read_only = true});
    const SentChain write = machine.Write(0, Pattern(512, 1));
    const SentChain read = machine.Read(0, 512);
    ASSERT_TRUE(machine.Serve());
    EXPECT_EQ(machine.Status(write), kIoError);
    EXPECT_EQ(machine.Status(read), kOk);
}

TEST(BlkDevice, UnknownTypesAreUnsupported) {
    BlkMachine machine;
    const SentChain scsi = machine.driver.Chain().Readable(BytesOf(BlkMachine::Header(2))).Writable(1).Send();
    ASSERT_TRUE(machine.Serve());
    EXPECT_EQ(machine.Status(scsi), kUnsupported);
    EXPECT_EQ(machine.stats.failed.Get(), 1u);
}

TEST(BlkDevice, IdentifierIsTheSerialPaddedWithZeros) {
    BlkMachine machine({.serial = "disk7"});
    const SentChain get =
        machine.driver.Chain().Readable(BytesOf(BlkMachine::Header(kBlkTypeGetId))).Writable(20).Writable(1).Send();
    ASSERT_TRUE(machine.Serve());
    EXPECT_EQ(machine.Status(get), kOk);
    EXPECT_EQ(Text(machine.Data(get)), std::string("disk7") + std::string(15, '\0'));
    EXPECT_EQ(machine.driver.TakeUsed()->written, 21u);
}

TEST(BlkDevice, IdentifierFitsIntoAnyRoom) {
    BlkMachine machine({.serial = "0123456789abcdefghijklmnop"});
    const auto header = BlkMachine::Header(kBlkTypeGetId);
    const SentChain small = machine.driver.Chain().Readable(BytesOf(header)).Writable(3).Writable(4).Writable(1).Send();
    const SentChain big = machine.driver.Chain().Readable(BytesOf(header)).Writable(30).Writable(1).Send();
    const SentChain none = machine.driver.Chain().Readable(BytesOf(header)).Writable(1).Send();
    ASSERT_TRUE(machine.Serve());
    EXPECT_EQ(Text(machine.Data(small)), "0123456");
    EXPECT_EQ(Text(machine.Data(big)), "0123456789abcdefghij" + std::string(10, '\xee'));
    EXPECT_EQ(machine.Status(none), kOk);
    EXPECT_EQ(machine.driver.TakeUsed()->written, 8u);
    EXPECT_EQ(machine.driver.TakeUsed()->written, 20u);
    EXPECT_EQ(machine.driver.TakeUsed()->written, 1u);
}

TEST(BlkDevice, FlushMakesCompletedWritesDurable) {
    BlkMachine machine;
    const auto data = Pattern(512, 8);
    machine.Write(1, data);
    ASSERT_TRUE(machine.Serve());
    EXPECT_NE(machine.disk.Durable(512, 512), data);
    const SentChain flush = machine.Flush();
    ASSERT_TRUE(machine.Serve());
    EXPECT_EQ(machine.Status(flush), kOk);
    EXPECT_EQ(machine.disk.Durable(512, 512), data);
}

TEST(BlkDevice, WithoutTheFlushFeatureEveryWriteIsDurable) {
    BlkMachine machine({.knows_flush = false});
    const auto data = Pattern(512, 8);
    machine.Write(1, data);
    ASSERT_TRUE(machine.Serve());
    EXPECT_EQ(machine.disk.Durable(512, 512), data);
}

TEST(BlkDevice, FailedHostIoFailsThatRequestOnly) {
    auto disk = std::make_unique<MemoryDisk>(64 * 1024);
    disk->fault = [](DiskOperation operation, std::uint64_t offset) {
        if (operation == DiskOperation::kRead && offset == 512) return EIO;
        if (operation == DiskOperation::kWrite && offset == 1024) return ENOSPC;
        return 0;
    };
    BlkMachine machine({}, std::move(disk));
    const SentChain bad_read = machine.Read(1, 512);
    const SentChain good_read = machine.Read(0, 512);
    const SentChain bad_write = machine.Write(2, Pattern(512, 1));
    const SentChain good_write = machine.Write(3, Pattern(512, 1));
    ASSERT_TRUE(machine.Serve());
    EXPECT_EQ(machine.Status(bad_read), kIoError);
    EXPECT_EQ(machine.Status(good_read), kOk);
    EXPECT_EQ(machine.Status(bad_write), kIoError);
    EXPECT_EQ(machine.Status(good_write), kOk);
    EXPECT_EQ(machine.stats.failed.Get(), 2u);
    EXPECT_EQ(machine.driver.TakeUsed()->written, 0u);
}

TEST(BlkDevice, FirstFailureOfEachKindCanBeTold) {
    auto disk = std::make_unique<MemoryDisk>(64 * 1024);
    disk->fault = [](DiskOperation operation, std::uint64_t) {
        return operation == DiskOperation::kRead ? EIO : ENOSPC;
    };
    BlkMachine machine({}, std::move(disk));
    machine.Read(3, 512);
    machine.Read(4, 512);
    machine.Write(5, Pattern(512, 1));
    machine.Flush();
    ASSERT_TRUE(machine.Serve());
    const auto read = machine.device.TakeHostFailure();
    const auto write = machine.device.TakeHostFailure();
    const auto flush = machine.device.TakeHostFailure();
    ASSERT_TRUE(read && write && flush);
    EXPECT_EQ(read->os_errno, EIO);
    EXPECT_EQ(read->offset, 3u * 512);
    EXPECT_EQ(write->operation, DiskOperation::kWrite);
    EXPECT_EQ(write->os_errno, ENOSPC);
    EXPECT_EQ(flush->operation, DiskOperation::kFlush);
    EXPECT_FALSE(machine.device.TakeHostFailure());
}

TEST(BlkDevice, FailedFlushIsAFailedRequest) {
    auto disk = std::make_unique<MemoryDisk>(64 * 1024);
    disk->fault = [](DiskOperation operation, std::uint64_t) { return operation == DiskOperation::kFlush ? EIO : 0; };
    BlkMachine machine({}, std::move(disk));
    const SentChain flush = machine.Flush();
    ASSERT_TRUE(machine.Serve());
    EXPECT_EQ(machine.Status(flush), kIoError);
}

TEST(BlkDevice, HeaderThatIsTooShortFails) {
    BlkMachine machine;
    const SentChain chain = machine.driver.Chain().Readable("too short").Writable(512).Writable(1).Send();
    ASSERT_TRUE(machine.Serve());
    EXPECT_EQ(machine.Status(chain), kIoError);
}

TEST(BlkDevice, ChainWithoutRoomForTheStatusBreaksTheQueue) {
    BlkMachine machine;
    machine.driver.Chain().Readable(BytesOf(BlkMachine::Header(kBlkTypeWrite))).Readable(Pattern(512, 1)).Send();
    EXPECT_FALSE(machine.Serve());
    EXPECT_TRUE(machine.device.Fault());
    EXPECT_EQ(machine.driver.TakeUsed(), std::nullopt);
}

TEST(BlkDevice, BrokenQueueIsServedNoMoreUntilReset) {
    BlkMachine machine;
    machine.driver.Chain().BufferAt(GuestAddress(~0ULL), 16, 0).Writable(1).Send();
    ASSERT_FALSE(machine.Serve());
    EXPECT_EQ(machine.device.Fault(), QueueFault::kBufferNotInMemory);
    machine.Read(0, 512);
    EXPECT_TRUE(machine.Serve());
    EXPECT_EQ(machine.driver.TakeUsed(), std::nullopt);

    EXPECT_TRUE(machine.device.Stop());
    machine.device.Deactivate();
    machine.NewDriver();
    EXPECT_EQ(machine.device.Fault(), std::nullopt);
    const SentChain read = machine.Read(0, 512);
    EXPECT_TRUE(machine.Serve());
    EXPECT_EQ(machine.Status(read), kOk);
}

TEST(BlkDevice, RequestsBeforeABrokenOneAreAnswered) {
    BlkMachine machine;
    const SentChain read = machine.Read(0, 512);
    machine.driver.Chain().BufferAt(GuestAddress(~0ULL), 16, 0).Writable(1).Send();
    EXPECT_FALSE(machine.Serve());
    EXPECT_EQ(machine.Status(read), kOk);
    EXPECT_EQ(machine.driver.TakeUsed()->head, read.head);
}

TEST(BlkDevice, QueueThatCannotBeIsRefusedAtActivation) {
    BlkMachine machine;
    auto activation = machine.Activation();
    activation.queues[0].desc = GuestAddress(address_map::kMinRam);
    EXPECT_EQ(machine.device.Activate(activation), QueueFault::kRingNotInMemory);
    EXPECT_EQ(machine.device.Serve(), ServeResult::kSleep);
}

TEST(BlkDevice, DriverWithoutAQueueIsLeftAlone) {
    BlkMachine machine;
    EXPECT_EQ(machine.device.Activate(husk::Activation{}), std::nullopt);
    EXPECT_EQ(machine.device.Serve(), ServeResult::kSleep);
}

TEST(BlkDevice, BatchIsOneInterrupt) {
    BlkMachine machine;
    for (std::uint64_t sector = 0; sector < 16; ++sector) {
        const auto header = BlkMachine::Header(kBlkTypeRead, sector);
        machine.driver.Chain().Readable(BytesOf(header)).Writable(512).Writable(1).Add();
    }
    machine.driver.Expose();
    ASSERT_TRUE(machine.Serve());
    EXPECT_EQ(machine.stats.requests.Get(), 16u);
    EXPECT_EQ(machine.stats.latency.Permille(1000) > 0, true);
    EXPECT_EQ(machine.line.pulses, 1u);
    EXPECT_EQ(machine.stats.interrupts.Get(), 1u);
    EXPECT_LE(machine.stats.batches.Get(), 16u);
}

TEST(BlkDevice, DriverThatWantsNoInterruptsGetsNone) {
    BlkMachine machine({.event_idx = false});
    machine.driver.DisableInterrupts();
    machine.Read(0, 512);
    ASSERT_TRUE(machine.Serve());
    EXPECT_TRUE(machine.driver.TakeUsed());
    EXPECT_EQ(machine.line.pulses, 0u);
}

TEST(BlkDevice, SleepingDeviceWantsTheDoorbell) {
    BlkMachine machine;
    ASSERT_TRUE(machine.Serve());
    machine.Read(0, 512);
    EXPECT_TRUE(machine.driver.MustRing());
    ASSERT_TRUE(machine.Serve());
    machine.Read(0, 512);
    EXPECT_TRUE(machine.driver.MustRing());
}

TEST(BlkDevice, WorkOfOneCallIsBounded) {
    BlkMachine machine;
    for (int round = 0; round < 4; ++round) {
        for (int i = 0; i < 64; ++i) machine.Read(0, 512);
        const ServeResult result = machine.device.Serve();
        EXPECT_NE(result, ServeResult::kFault);
        machine.Await(64);
    }
    EXPECT_EQ(machine.stats.requests.Get(), 256u);
}

TEST(BlkDevice, StoppedDeviceTakesNothing) {
    BlkMachine machine;
    EXPECT_TRUE(machine.device.Stop());
    machine.Read(0, 512);
    EXPECT_TRUE(machine.Serve());
    EXPECT_EQ(machine.driver.TakeUsed(), std::nullopt);
    EXPECT_TRUE(machine.device.Idle());
}

// Long enough for every way of DepthPolicy to have its turns.
TEST(BlkDevice, EveryRequestOfManyAtATimeIsAnsweredBeforeTheLoopSleeps) {
    BlkMachine machine;
    const std::uint64_t until = MonotonicNanoseconds() + 15 * DepthPolicy::kTurn;
    std::uint64_t unanswered = 0;
    while (MonotonicNanoseconds() < until) {
        machine.Read(1, 512);
        machine.Read(2, 512);
        machine.Read(3, 512);
        ASSERT_TRUE(machine.Serve());
        unanswered += 3;
        while (machine.driver.TakeUsed()) --unanswered;
        ASSERT_EQ(unanswered, 0u);
    }
}

}  // namespace
}  // namespace husk
