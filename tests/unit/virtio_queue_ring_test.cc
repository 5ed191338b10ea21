// The rings of SplitQueue: geometry, indices, heads in flight, and a driver that rewrites what it already sent.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "devices/virtio/split_queue.h"
#include "tests/support/virtio_driver.h"
#include "vmm/memory/address_map.h"

namespace husk {
namespace {

using testing::UsedChain;
using testing::VirtioDriver;

constexpr std::uint64_t kRam = 16 * address_map::kMiB;
constexpr std::uint64_t kBoth = kFeatureVersion1 | kFeatureIndirectDesc;

const GuestMemory& Memory() {
    static const GuestMemory memory = GuestMemory::Create(kRam).value();
    return memory;
}

QueueConfig Config(std::uint16_t size, std::uint64_t desc, std::uint64_t driver, std::uint64_t device) {
    return {size, GuestAddress(desc), GuestAddress(driver), GuestAddress(device)};
}

std::optional<QueueFault> FaultOfCreate(const QueueConfig& config) {
    const auto queue = SplitQueue::Create(Memory(), config, kBoth);
    return queue ? std::nullopt : std::optional(queue.error());
}

TEST(SplitQueueCreate, EveryPowerOfTwoUpToTheLargestIsASize) {
    for (std::uint16_t size = 1; size <= kMaxQueueSize; size = static_cast<std::uint16_t>(size * 2)) {
        const auto queue = SplitQueue::Create(Memory(), Config(size, 0x10'0000, 0x11'0000, 0x12'0000), kBoth);
        ASSERT_TRUE(queue.has_value()) << size;
        EXPECT_EQ(queue->Size(), size);
    }
}

TEST(SplitQueueCreate, OtherSizesAreRefused) {
    for (const std::uint16_t size : std::array<std::uint16_t, 5>{0, 3, 1000, 2048, 32768}) {
        EXPECT_EQ(FaultOfCreate(Config(size, 0x10'0000, 0x11'0000, 0x12'0000)), QueueFault::kSizeInvalid) << size;
    }
}

TEST(SplitQueueCreate, MisalignedPartsAreRefused) {
    EXPECT_EQ(FaultOfCreate(Config(8, 0x10'0008, 0x11'0000, 0x12'0000)), QueueFault::kMisaligned);
    EXPECT_EQ(FaultOfCreate(Config(8, 0x10'0000, 0x11'0001, 0x12'0000)), QueueFault::kMisaligned);
    EXPECT_EQ(FaultOfCreate(Config(8, 0x10'0000, 0x11'0000, 0x12'0002)), QueueFault::kMisaligned);
    EXPECT_EQ(FaultOfCreate(Config(8, 0x10'0010, 0x11'0002, 0x12'0004)), std::nullopt);
}

TEST(SplitQueueCreate, PartsMustLieWhollyInMemory) {
    EXPECT_EQ(FaultOfCreate(Config(8, kRam - 112, 0x11'0000, 0x12'0000)), QueueFault::kRingNotInMemory);
    EXPECT_EQ(FaultOfCreate(Config(8, 0x10'0000, kRam - 20, 0x12'0000)), QueueFault::kRingNotInMemory);
    EXPECT_EQ(FaultOfCreate(Config(8, 0x10'0000, 0x11'0000, kRam - 68)), QueueFault::kRingNotInMemory);
    EXPECT_EQ(FaultOfCreate(Config(8, 0x10'0000, 0x11'0000, ~std::uint64_t{0} - 3)), QueueFault::kRingNotInMemory);
}

TEST(SplitQueueCreate, PartsMayEndWhereMemoryEnds) {
    EXPECT_EQ(FaultOfCreate(Config(8, kRam - 128, 0x11'0000, 0x12'0000)), std::nullopt);
    EXPECT_EQ(FaultOfCreate(Config(8, 0x10'0000, kRam - 22, 0x12'0000)), std::nullopt);
    EXPECT_EQ(FaultOfCreate(Config(8, 0x10'0000, 0x11'0000, kRam - 72)), std::nullopt);
}

TEST(SplitQueueCreate, EveryFaultHasItsOwnSentence) {
    std::vector<std::string> sentences;
    for (int fault = 0; fault <= static_cast<int>(QueueFault::kNoRoomForAnswer); ++fault) {
        sentences.emplace_back(Describe(static_cast<QueueFault>(fault)));
    }
    std::ranges::sort(sentences);
    EXPECT_EQ(std::ranges::adjacent_find(sentences), sentences.end());
    EXPECT_GT(sentences.front().size(), 10U);
}

class SplitQueueRing : public ::testing::Test {
 protected:
    // The next chain; the test ends in an exception when there is none.
    DescriptorChain Take() { return std::move(queue_.Pop(storage_).value().value()); }
    void Serve(std::uint32_t written) {
        queue_.Push(Take(), written);
        static_cast<void>(queue_.Publish());
    }

    VirtioDriver driver_{Memory(), {.size = 8}};
    SplitQueue queue_ = SplitQueue::Create(Memory(), driver_.Config(), driver_.Features()).value();
    std::array<iovec, 8> storage_{};
};

TEST_F(SplitQueueRing, PushedChainsAreSeenWhenPublished) {
    const auto sent = driver_.Chain().Writable(64).Send();
    queue_.Push(Take(), 17);

    const auto before = driver_.TakeUsed();
    static_cast<void>(queue_.Publish());
    const auto after = driver_.TakeUsed();

    EXPECT_EQ(before, std::nullopt);
    EXPECT_EQ(after, (UsedChain{sent.head, 17}));
    EXPECT_EQ(queue_.InFlight(), 0);
}

TEST_F(SplitQueueRing, ChainsMayComeBackInAnyOrder) {
    const auto first = driver_.Chain().Writable(1).Send();
    const auto second = driver_.Chain().Writable(2).Send();
    DescriptorChain one = Take();
    DescriptorChain two = Take();

    queue_.Push(std::move(two), 2);
    queue_.Push(std::move(one), 1);
    static_cast<void>(queue_.Publish());

    EXPECT_EQ(driver_.TakeUsed(), (UsedChain{second.head, 2}));
    EXPECT_EQ(driver_.TakeUsed(), (UsedChain{first.head, 1}));
}

TEST_F(SplitQueueRing, IndicesWrap) {
    for (std::uint32_t i = 0; i < 200'000; ++i) {
        const auto sent = driver_.Chain().Writable(16).Send();
        Serve(i);
        ASSERT_EQ(driver_.TakeUsed(), (UsedChain{sent.head, i}));
        ASSERT_EQ(queue_.InFlight(), 0);
    }
}

TEST_F(SplitQueueRing, IndicesWrapWithAFullQueue) {
    for (int round = 0; round < 10'000; ++round) {
        for (int i = 0; i < 8; ++i) driver_.Chain().Writable(16).Add();
        driver_.Expose();
        std::vector<DescriptorChain> taken;
        for (int i = 0; i < 8; ++i) taken.push_back(Take());
        ASSERT_EQ(queue_.InFlight(), 8);
        ASSERT_FALSE(queue_.Pop(storage_).value().has_value());
        for (DescriptorChain& chain : taken) queue_.Push(std::move(chain), 0);
        static_cast<void>(queue_.Publish());
        for (int i = 0; i < 8; ++i) ASSERT_TRUE(driver_.TakeUsed().has_value());
    }
}

TEST_F(SplitQueueRing, MoreAvailableThanTheQueueHoldsBreaksIt) {
    driver_.Rings().SetAvailableIndex(9);

    EXPECT_TRUE(queue_.HasAvailable());
    EXPECT_EQ(queue_.Pop(storage_).error(), QueueFault::kTooManyAvailable);
    EXPECT_FALSE(queue_.HasAvailable());
}

TEST_F(SplitQueueRing, IndexThatGoesBackBreaksTheQueue) {
    driver_.Chain().Writable(16).Send();
    Serve(0);
    driver_.Rings().SetAvailableIndex(0);

    EXPECT_EQ(queue_.Pop(storage_).error(), QueueFault::kTooManyAvailable);
}

TEST_F(SplitQueueRing, HeadOutsideTheTableBreaksTheQueue) {
    driver_.Rings().SetAvailable(0, 8);
    driver_.Rings().SetAvailableIndex(1);

    EXPECT_EQ(queue_.Pop(storage_).error(), QueueFault::kHeadOutOfRange);
}

TEST_F(SplitQueueRing, HeadInFlightIsNotTakenTwice) {
    const auto sent = driver_.Chain().Writable(16).Send();
    [[maybe_unused]] const DescriptorChain taken = Take();
    driver_.Rings().SetAvailable(1, sent.head);
    driver_.Rings().SetAvailableIndex(2);

    const auto again = queue_.Pop(storage_);

    EXPECT_EQ(again.error(), QueueFault::kHeadInFlight);
    EXPECT_EQ(queue_.InFlight(), 1);
}

TEST_F(SplitQueueRing, HeadMayComeAgainOnceItWasGivenBack) {
    const auto sent = driver_.Chain().Writable(16).Send();
    Serve(0);
    driver_.Rings().SetAvailable(1, sent.head);
    driver_.Rings().SetAvailableIndex(2);

    EXPECT_EQ(Take().Head(), sent.head);
}

TEST_F(SplitQueueRing, BrokenQueueStaysBrokenWhateverTheDriverMends) {
    driver_.Rings().SetAvailable(0, 8);
    driver_.Rings().SetAvailableIndex(1);
    EXPECT_EQ(queue_.Pop(storage_).error(), QueueFault::kHeadOutOfRange);
    driver_.Rings().SetAvailable(0, 0);
    driver_.Rings().SetDescriptor(0, {.addr = 0x80'0000, .len = 16, .flags = 0, .next = 0});

    EXPECT_EQ(queue_.Pop(storage_).error(), QueueFault::kHeadOutOfRange);
    EXPECT_FALSE(queue_.HasAvailable());
    EXPECT_FALSE(queue_.EnableNotify());
}

TEST_F(SplitQueueRing, ChainsInFlightComeBackFromABrokenQueue) {
    const auto sent = driver_.Chain().Writable(16).Send();
    DescriptorChain taken = Take();
    driver_.Rings().SetAvailableIndex(100);
    EXPECT_EQ(queue_.Pop(storage_).error(), QueueFault::kTooManyAvailable);

    queue_.Push(std::move(taken), 3);
    static_cast<void>(queue_.Publish());

    EXPECT_EQ(driver_.TakeUsed(), (UsedChain{sent.head, 3}));
    EXPECT_EQ(queue_.InFlight(), 0);
}

TEST_F(SplitQueueRing, QueueOfOneWorks) {
    VirtioDriver driver(Memory(), {.size = 1, .at = GuestAddress(0x40'0000)});
    auto queue = SplitQueue::Create(Memory(), driver.Config(), driver.Features()).value();
    for (int i = 0; i < 10; ++i) {
        driver.Chain().Writable(16).Send();
        queue.Push(std::move(queue.Pop(storage_).value().value()), 5);
        static_cast<void>(queue.Publish());
        ASSERT_TRUE(driver.TakeUsed().has_value());
    }
}

TEST_F(SplitQueueRing, WhatTheDriverRewritesAfterPopIsNotSeen) {
    const auto sent = driver_.Chain().Readable("abc").Writable(512).Send();
    const DescriptorChain chain = Take();
    const iovec readable = chain.Readable()[0];
    const iovec writable = chain.Writable()[0];

    for (std::uint16_t i = 0; i < 8; ++i) driver_.Rings().SetDescriptor(i, {~0ULL, ~0U, 0xffff, 0xffff});
    driver_.Rings().SetAvailable(0, 0xffff);

    EXPECT_EQ(chain.Head(), sent.head);
    EXPECT_EQ(chain.Readable()[0].iov_base, readable.iov_base);
    EXPECT_EQ(chain.Readable()[0].iov_len, 3U);
    EXPECT_EQ(chain.Writable()[0].iov_base, writable.iov_base);
    EXPECT_EQ(chain.Writable()[0].iov_len, 512U);
}

TEST_F(SplitQueueRing, SecondPushOfAChainIsOurOwnMistakeAndAborts) {
    driver_.Chain().Writable(16).Send();
    DescriptorChain chain = Take();
    queue_.Push(std::move(chain), 0);

    EXPECT_DEATH(queue_.Push(std::move(chain), 0), "");  // NOLINT(bugprone-use-after-move): the point
}

// Another CPU of the guest rewrites a descriptor all the time. Whatever Pop() took, it took whole and checked.
TEST_F(SplitQueueRing, DescriptorThatChangesMeanwhileIsNeverTakenUnchecked) {
    const VirtqDesc good{.addr = 0x80'0000, .len = 512, .flags = kDescWrite, .next = 0};
    const VirtqDesc bad{.addr = ~std::uint64_t{0} - 100, .len = 0xffff'ffff, .flags = kDescWrite, .next = 0};
    const auto ram = Memory().Slice(GuestAddress(0), kRam).value();
    std::atomic<bool> stop = false;
    std::jthread guest([&] {
        testing::VirtioRings rings = driver_.Rings();
        while (!stop.load(std::memory_order_relaxed)) {
            rings.SetDescriptor(0, bad);
            rings.SetDescriptor(0, good);
        }
    });

    int taken = 0;
    int refused = 0;
    driver_.Rings().SetAvailable(0, 0);
    driver_.Rings().SetAvailableIndex(1);
    for (int i = 0; i < 100'000; ++i) {
        auto queue = SplitQueue::Create(Memory(), driver_.Config(), driver_.Features()).value();
        const auto popped = queue.Pop(storage_);
        refused += popped ? 0 : 1;
        if (!popped) continue;
        ++taken;
        const iovec buffer = (*popped)->Writable()[0];
        const auto* const start = static_cast<const std::byte*>(buffer.iov_base);
        ASSERT_TRUE(start >= ram.data() && buffer.iov_len <= static_cast<std::size_t>(&*ram.end() - start));
    }
    stop = true;
    EXPECT_EQ(taken + refused, 100'000);
}

}  // namespace
}  // namespace husk
