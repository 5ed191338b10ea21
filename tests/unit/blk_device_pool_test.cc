// The block device with its pool: several requests in flight, slow and failing disks, stops in the middle.
#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "tests/unit/blk_driver.h"

namespace husk {
namespace {

using testing::BlkMachine;
using testing::MemoryDisk;
using testing::Pattern;
using testing::SentChain;

constexpr int kOk = 0;
constexpr int kIoError = 1;
constexpr int kUnanswered = 0xee;

std::unique_ptr<MemoryDisk> UncachedDisk(int error = EAGAIN) {
    auto disk = std::make_unique<MemoryDisk>(64 * 1024);
    disk->cached = error;
    return disk;
}

std::uint64_t Place(std::uint64_t sector) { return sector * 512; }

// The first operation of this kind takes long: the device learns that they do.
auto SlowAtFirst(DiskOperation kind) {
    return [kind, left = 1](DiskOperation operation, std::uint64_t) mutable {
        const int slow = operation == kind ? std::exchange(left, 0) : 0;
        std::this_thread::sleep_for(std::chrono::milliseconds(20 * slow));
        return 0;
    };
}

TEST(BlkPool, CachedReadsNeedNoThread) {
    BlkMachine machine({.threads = 2});
    machine.disk.Hold(Place(3));  // a read that may wait would
    const SentChain read = machine.Read(3, 512);
    ASSERT_TRUE(machine.Serve());
    EXPECT_EQ(machine.Status(read), kOk);
}

TEST(BlkPool, ReadsThatWaitComeBackFromThePool) {
    BlkMachine machine({.threads = 2}, UncachedDisk());
    const SentChain read = machine.Read(3, 1024);
    EXPECT_EQ(machine.Await(1), std::vector<std::uint32_t>{read.head});
    EXPECT_EQ(machine.Status(read), kOk);
    EXPECT_EQ(machine.Data(read), machine.disk.Contents(Place(3), 1024));
}

TEST(BlkPool, RequestsComeBackInTheOrderInWhichTheyEnd) {
    BlkMachine machine({.threads = 4}, UncachedDisk());
    machine.disk.Hold(Place(1));
    machine.disk.Hold(Place(2));
    const SentChain first = machine.Read(1, 512);
    const SentChain second = machine.Read(2, 512);
    const SentChain third = machine.Read(3, 512);
    EXPECT_EQ(machine.Await(1), std::vector<std::uint32_t>{third.head});
    machine.disk.Release(Place(2));
    EXPECT_EQ(machine.Await(1), std::vector<std::uint32_t>{second.head});
    EXPECT_EQ(machine.Status(first), kUnanswered);
    machine.disk.Release(Place(1));
    EXPECT_EQ(machine.Await(1), std::vector<std::uint32_t>{first.head});
}

// Knows whether the pool was at work by the time when the device came to the request at `last`.
struct WatchingDisk : MemoryDisk {
    explicit WatchingDisk(std::uint64_t last) : MemoryDisk(64 * 1024), last_(last) {}
    int Read(DiskTransfer& transfer, ReadMode mode) override {
        if (mode == ReadMode::kMayWait) {
            begun_.store(true);
        } else if (transfer.offset == last_) {
            const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
            while (!begun_.load() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
            begun_in_time = begun_.load();
        }
        return mode == ReadMode::kOnlyCached ? EAGAIN : MemoryDisk::Read(transfer, mode);
    }
    bool begun_in_time = false;

 private:
    const std::uint64_t last_;
    std::atomic<bool> begun_{false};
};

TEST(BlkPool, FirstReadOfABatchIsBegunBeforeTheLastOneIsTaken) {
    auto disk = std::make_unique<WatchingDisk>(Place(9));
    const WatchingDisk& watching = *disk;
    BlkMachine machine({.threads = 1}, std::move(disk));
    for (std::uint64_t sector = 1; sector <= 9; ++sector) machine.Read(sector, 512);
    EXPECT_EQ(machine.Await(9).size(), 9u);
    EXPECT_TRUE(watching.begun_in_time);
}

TEST(BlkPool, QuickWritesNeedNoThread) {
    BlkMachine machine({.threads = 2});
    for (int i = 0; i < 8; ++i) machine.Write(1, Pattern(512, i));
    (void)machine.device.Serve();
    EXPECT_EQ(machine.disk.Contents(Place(1), 512), Pattern(512, 7));
}

TEST(BlkPool, ReadsGoOnWhileWritesWait) {
    BlkMachine machine({.threads = 2});
    machine.disk.fault = SlowAtFirst(DiskOperation::kWrite);
    machine.Write(0, Pattern(512, 0));
    machine.Await(1);
    machine.disk.Hold(Place(1));
    machine.disk.Hold(Place(2));
    machine.Write(1, Pattern(512, 1));
    machine.Write(2, Pattern(512, 2));
    const SentChain read = machine.Read(5, 512);
    EXPECT_EQ(machine.Await(1), std::vector<std::uint32_t>{read.head});
    machine.disk.Release(Place(1));
    machine.disk.Release(Place(2));
    EXPECT_EQ(machine.Await(2).size(), 2u);
    EXPECT_EQ(machine.disk.Contents(Place(2), 512), Pattern(512, 2));
}

TEST(BlkPool, RequestsGoOnWhileAFlushWaits) {
    BlkMachine machine({.threads = 2});
    machine.disk.fault = SlowAtFirst(DiskOperation::kFlush);
    machine.Flush();
    machine.Await(1);
    machine.disk.Hold(MemoryDisk::kFlush);
    const SentChain flush = machine.Flush();
    ASSERT_TRUE(machine.Serve());
    const SentChain write = machine.Write(5, Pattern(512, 1));
    EXPECT_EQ(machine.Await(1), std::vector<std::uint32_t>{write.head});
    machine.disk.Release(MemoryDisk::kFlush);
    EXPECT_EQ(machine.Await(1), std::vector<std::uint32_t>{flush.head});
}

TEST(BlkPool, DiskThatCannotTellWhatIsCachedIsServedToo) {
    BlkMachine machine({.threads = 2}, UncachedDisk(EOPNOTSUPP));
    const SentChain alone = machine.Read(1, 512);
    EXPECT_EQ(machine.Await(1), std::vector<std::uint32_t>{alone.head});
    machine.Read(2, 512);
    machine.Read(3, 512);
    const SentChain last = machine.Read(4, 512);
    EXPECT_EQ(machine.Await(3).size(), 3u);
    EXPECT_EQ(machine.Data(last), machine.disk.Contents(Place(4), 512));
}

TEST(BlkPool, FailuresInThePoolFailTheirRequest) {
    auto disk = UncachedDisk();
    disk->fault = [](DiskOperation, std::uint64_t offset) { return offset == Place(1) ? EIO : 0; };
    BlkMachine machine({.threads = 2}, std::move(disk));
    const SentChain bad = machine.Read(1, 512);
    const SentChain good = machine.Read(2, 512);
    EXPECT_EQ(machine.Await(2).size(), 2u);
    EXPECT_EQ(machine.Status(bad), kIoError);
    EXPECT_EQ(machine.Status(good), kOk);
    EXPECT_EQ(machine.device.TakeHostFailure()->offset, Place(1));
}

// --- Flush ---

TEST(BlkPool, FlushCoversTheWritesThatCompletedBefore) {
    BlkMachine machine({.threads = 4});
    machine.disk.fault = SlowAtFirst(DiskOperation::kWrite);
    const auto data = Pattern(512, 4);
    machine.Write(1, data);
    machine.Await(1);
    machine.disk.Hold(Place(7));
    machine.Write(7, Pattern(512, 7));  // in flight: not for this flush to wait for
    const SentChain flush = machine.Flush();
    EXPECT_EQ(machine.Await(1), std::vector<std::uint32_t>{flush.head});
    EXPECT_EQ(machine.Status(flush), kOk);
    EXPECT_EQ(machine.disk.Durable(Place(1), 512), data);
    machine.disk.Release(Place(7));
    machine.Await(1);
}

TEST(BlkPool, FlushDoesNotShareOneThatBeganBeforeIt) {
    BlkMachine machine({.threads = 4});
    machine.disk.Hold(MemoryDisk::kFlush);
    machine.Flush();
    machine.Read(0, 512);  // so that the flush is not alone
    machine.Await(1);
    machine.disk.AwaitBlocked(1);

    const auto data = Pattern(512, 5);
    const SentChain write = machine.Write(3, data);
    EXPECT_EQ(machine.Await(1), std::vector<std::uint32_t>{write.head});
    machine.Flush();
    machine.Flush();
    ASSERT_TRUE(machine.Serve());
    machine.disk.Release(MemoryDisk::kFlush);
    machine.Await(3);
    EXPECT_EQ(machine.disk.Durable(Place(3), 512), data);
    EXPECT_EQ(machine.disk.Flushes(), 2u);
}

TEST(BlkPool, FailedFlushFailsAllThatSharedIt) {
    auto disk = UncachedDisk();
    std::atomic<int> flushes = 0;
    disk->fault = [&flushes](DiskOperation operation, std::uint64_t) {
        return operation == DiskOperation::kFlush && ++flushes == 2 ? EIO : 0;
    };
    BlkMachine machine({.threads = 2}, std::move(disk));
    machine.disk.Hold(MemoryDisk::kFlush);
    const SentChain first = machine.Flush();
    const SentChain second = machine.Flush();
    const SentChain third = machine.Flush();
    ASSERT_TRUE(machine.Serve());
    machine.disk.Release(MemoryDisk::kFlush);
    machine.Await(3);
    EXPECT_EQ(machine.Status(first), kOk);
    EXPECT_EQ(machine.Status(second), kIoError);
    EXPECT_EQ(machine.Status(third), kIoError);
}

// --- Limits, stops ---

TEST(BlkPool, MoreRequestsThanTasksAllComeBack) {
    BlkMachine machine({.threads = 4, .queue_size = 1024}, UncachedDisk());
    machine.disk.Hold(Place(1));
    for (int i = 0; i < 300; ++i) machine.Read(1, 512);
    ASSERT_TRUE(machine.Serve());
    EXPECT_EQ(machine.stats.requests.Get(), kBlkTasks);
    machine.disk.Release(Place(1));
    EXPECT_EQ(machine.Await(300).size(), 300u);
    EXPECT_EQ(machine.stats.requests.Get(), 300u);
}

TEST(BlkPool, StopWaitsForWhatIsInFlightAndTakesNoMore) {
    BlkMachine machine({.threads = 2}, UncachedDisk());
    machine.disk.Hold(Place(1));
    const SentChain taken = machine.Read(1, 512);
    ASSERT_TRUE(machine.Serve());
    EXPECT_FALSE(machine.device.Stop());
    const SentChain late = machine.Read(2, 512);
    ASSERT_TRUE(machine.Serve());
    EXPECT_FALSE(machine.device.Idle());
    machine.disk.Release(Place(1));
    machine.Drain();
    EXPECT_TRUE(machine.device.Idle());
    EXPECT_EQ(machine.driver.TakeUsed()->head, taken.head);
    EXPECT_EQ(machine.driver.TakeUsed(), std::nullopt);
    EXPECT_EQ(machine.Status(late), kUnanswered);
}

TEST(BlkPool, StopFinishesFlushesThatWaitForEachOther) {
    BlkMachine machine({.threads = 2}, UncachedDisk());
    machine.disk.Hold(MemoryDisk::kFlush);
    for (int i = 0; i < 5; ++i) machine.Flush();
    ASSERT_TRUE(machine.Serve());
    EXPECT_FALSE(machine.device.Stop());
    machine.disk.Release(MemoryDisk::kFlush);
    machine.Drain();
    EXPECT_EQ(machine.stats.requests.Get(), 5u);
    EXPECT_EQ(machine.disk.Flushes(), 2u);
}

TEST(BlkPool, RequestsInFlightComeBackFromABrokenQueue) {
    BlkMachine machine({.threads = 2}, UncachedDisk());
    machine.disk.Hold(Place(1));
    const SentChain read = machine.Read(1, 512);
    machine.driver.Chain().BufferAt(GuestAddress(~0ULL), 16, 0).Writable(1).Send();
    EXPECT_FALSE(machine.Serve());
    machine.disk.Release(Place(1));
    EXPECT_TRUE(machine.AwaitRing());  // the loop may have gone to sleep on the fault
    EXPECT_EQ(machine.Await(1), std::vector<std::uint32_t>{read.head});
    EXPECT_EQ(machine.Status(read), kOk);
}

// Yields here and there, fails now and then, and is sometimes cached.
class RandomDisk : public MemoryDisk {
 public:
    RandomDisk() : MemoryDisk(64 * 1024) {}
    int Read(DiskTransfer& transfer, ReadMode mode) override {
        const unsigned dice = Dice();
        if (mode == ReadMode::kOnlyCached && dice % 4 != 0) return EAGAIN;
        Dawdle(dice);
        return dice % 7 == 0 ? EIO : MemoryDisk::Read(transfer, mode);
    }
    int Write(DiskTransfer& transfer, WriteMode mode) override {
        const unsigned dice = Dice();
        Dawdle(dice);
        return dice % 7 == 0 ? ENOSPC : MemoryDisk::Write(transfer, mode);
    }
    int Flush() override {
        Dawdle(Dice());
        return 0;
    }

 private:
    unsigned Dice() { return (dice_.fetch_add(1, std::memory_order_relaxed) * 2'654'435'761u) >> 16; }
    static void Dawdle(unsigned dice) {
        for (unsigned i = 0; i < dice % 5; ++i) std::this_thread::yield();
    }
    std::atomic<unsigned> dice_ = 1;
};

// The driver resets while requests are in flight. Its new rings lie where the old ones were: whatever came late would
// be an identifier that the new driver never sent, and abort.
TEST(BlkPool, TenThousandResetsDuringIoLoseAndDoubleNothing) {
    BlkMachine machine({.threads = 3, .queue_size = 16}, std::make_unique<RandomDisk>());
    std::minstd_rand random(7);
    std::uint64_t sent = 0;
    std::uint64_t returned = 0;
    const auto data = Pattern(512, 1);
    for (int reset = 0; reset < 10'000; ++reset) {
        for (auto i = random() % 5; i > 0; --i) {
            const std::array<std::function<void()>, 3> words{[&] { machine.Read(random() % 128, 512); },
                                                             [&] { machine.Write(random() % 128, data); },
                                                             [&] { machine.Flush(); }};
            words[random() % words.size()]();
            ++sent;
        }
        for (auto i = random() % 3; i > 0; --i) ASSERT_NE(machine.device.Serve(), ServeResult::kFault);
        machine.Drain();
        ASSERT_TRUE(machine.device.Idle());
        while (machine.driver.TakeUsed()) ++returned;
        ASSERT_EQ(returned, machine.stats.requests.Get());
        machine.device.Deactivate();
        machine.NewDriver();
    }
    EXPECT_LE(returned, sent);
    EXPECT_GT(returned, 5'000u);
}

TEST(BlkPool, ManyRequestsOnARandomDiskAllComeBackOnce) {
    BlkMachine machine({.threads = 4, .queue_size = 128}, std::make_unique<RandomDisk>());
    std::minstd_rand random(11);
    std::uint64_t returned = 0;
    for (int round = 0; round < 500; ++round) {
        for (int i = 0; i < 40; ++i) machine.Read(random() % 128, 512);
        returned += machine.Await(40).size();
    }
    EXPECT_EQ(returned, 20'000u);
    EXPECT_EQ(machine.stats.requests.Get(), 20'000u);
    EXPECT_TRUE(machine.device.Idle());
}

TEST(BlkPool, DeviceEndsWithRequestsInFlight) {
    auto disk = UncachedDisk();
    MemoryDisk& kept = *disk;
    BlkMachine machine({.threads = 2}, std::move(disk));
    for (std::uint64_t sector = 0; sector < 20; ++sector) machine.Read(sector, 512);
    ASSERT_TRUE(machine.Serve());
    EXPECT_EQ(kept.Flushes(), 0u);
}

}  // namespace
}  // namespace husk
