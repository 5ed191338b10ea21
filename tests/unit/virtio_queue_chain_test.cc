// What a chain may be: SplitQueue::Pop() against drivers that keep the rules of Virtio 1.2 §2.7.5 and break them.
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <utility>

#include "devices/virtio/split_queue.h"
#include "tests/support/virtio_driver.h"
#include "tests/unit/virtio_chain_fixture.h"

namespace husk {
namespace {

using testing::SentChain;
using testing::VirtioDriver;

using SplitQueueChain = testing::ChainTest;

TEST_F(SplitQueueChain, NothingIsAvailableAtFirst) {
    const auto popped = Pop();

    ASSERT_TRUE(popped.has_value());
    EXPECT_FALSE(popped->has_value());
    EXPECT_EQ(queue_.InFlight(), 0);
}

TEST_F(SplitQueueChain, ReadableBuffersComeBeforeWritableOnes) {
    const SentChain sent = driver_.Chain().Readable("head").Readable("er").Writable(512).Writable(1).Send();

    const auto popped = Pop();

    const DescriptorChain& chain = popped->value();
    EXPECT_EQ(chain.Head(), sent.head);
    ASSERT_EQ(chain.Readable().size(), 2U);
    EXPECT_EQ(Text(chain.Readable()[0]) + Text(chain.Readable()[1]), "header");
    ASSERT_EQ(chain.Writable().size(), 2U);
    EXPECT_EQ(chain.Writable()[0].iov_len, 512U);
    EXPECT_EQ(chain.Writable()[1].iov_base, driver_.Bytes(sent.buffers[3]).data());
    EXPECT_EQ(queue_.InFlight(), 1);
}

TEST_F(SplitQueueChain, ASingleBufferIsReadableOrWritable) {
    driver_.Chain().Readable("x").Send();
    driver_.Chain().Writable(7).Send();

    const auto first = Pop();
    EXPECT_EQ((*first)->Readable().size(), 1U);
    EXPECT_TRUE((*first)->Writable().empty());
    const auto second = Pop();
    EXPECT_TRUE((*second)->Readable().empty());
    ASSERT_EQ((*second)->Writable().size(), 1U);
    EXPECT_EQ((*second)->Writable()[0].iov_len, 7U);
}

TEST_F(SplitQueueChain, AMovedChainIsTheSameChain) {
    const SentChain sent = driver_.Chain().Readable("a").Writable(2).Send();
    auto popped = Pop();

    DescriptorChain moved = std::move(popped->value());

    EXPECT_EQ(moved.Head(), sent.head);
    EXPECT_EQ(Text(moved.Readable()[0]), "a");
    EXPECT_EQ(moved.Writable()[0].iov_len, 2U);
}

TEST_F(SplitQueueChain, ReservedFlagsAreIgnored) {
    Desc(0, 0xfff8 | kDescWrite);
    Avail(0);

    EXPECT_EQ(Pop()->value().Writable().size(), 1U);
}

TEST_F(SplitQueueChain, AChainMayHaveAsManyBuffersAsTheQueue) {
    for (std::uint16_t i = 0; i < 7; ++i) Desc(i, kDescNext, static_cast<std::uint16_t>(i + 1));
    Desc(7, kDescWrite);
    Avail(0);

    EXPECT_EQ(Pop()->value().Readable().size(), 7U);
}

TEST_F(SplitQueueChain, CyclicChainBreaksTheQueue) {
    Desc(0, kDescNext, 1);
    Desc(1, kDescNext, 0);
    Avail(0);

    EXPECT_EQ(FaultOfPop(), QueueFault::kChainTooLong);
}

TEST_F(SplitQueueChain, DescriptorThatFollowsItselfBreaksTheQueue) {
    Desc(3, kDescNext | kDescWrite, 3);
    Avail(3);

    EXPECT_EQ(FaultOfPop(), QueueFault::kChainTooLong);
}

TEST_F(SplitQueueChain, MoreBuffersThanTheDeviceTakesBreakTheQueue) {
    driver_.Chain().Readable("1").Readable("2").Readable("3").Send();

    const auto popped = queue_.Pop(std::span(storage_).first(2));

    EXPECT_EQ(popped.error(), QueueFault::kChainTooLong);
}

TEST_F(SplitQueueChain, NoStorageTakesNoBuffer) {
    driver_.Chain().Readable("1").Send();

    EXPECT_EQ(queue_.Pop({}).error(), QueueFault::kChainTooLong);
}

TEST_F(SplitQueueChain, NextOutsideTheTableBreaksTheQueue) {
    Desc(0, kDescNext, 8);
    Avail(0);

    EXPECT_EQ(FaultOfPop(), QueueFault::kNextOutOfRange);
}

TEST_F(SplitQueueChain, BufferBeyondMemoryBreaksTheQueue) {
    Desc(0, 0, 0, 17, GuestAddress(kRam - 16));
    Avail(0);

    EXPECT_EQ(FaultOfPop(), QueueFault::kBufferNotInMemory);
}

TEST_F(SplitQueueChain, BufferThatWrapsBreaksTheQueue) {
    Desc(0, kDescNext, 1);
    Desc(1, kDescWrite, 0, 32, GuestAddress(~std::uint64_t{0} - 15));
    Avail(0);

    EXPECT_EQ(FaultOfPop(), QueueFault::kBufferNotInMemory);
}

TEST_F(SplitQueueChain, LastBytesOfMemoryAreABuffer) {
    Desc(0, kDescWrite, 0, 16, GuestAddress(kRam - 16));
    Avail(0);

    EXPECT_EQ(Pop()->value().Writable()[0].iov_len, 16U);
}

TEST_F(SplitQueueChain, EmptyBufferBreaksTheQueue) {
    Desc(0, kDescWrite, 0, 0);
    Avail(0);

    EXPECT_EQ(FaultOfPop(), QueueFault::kBufferEmpty);
}

TEST_F(SplitQueueChain, EmptyBufferInAChainBreaksTheQueue) {
    Desc(0, kDescNext, 1);
    Desc(1, kDescWrite, 0, 0);
    Avail(0);

    EXPECT_EQ(FaultOfPop(), QueueFault::kBufferEmpty);
}

TEST_F(SplitQueueChain, ReadableAfterWritableBreaksTheQueue) {
    Desc(0, kDescNext | kDescWrite, 1);
    Desc(1, 0);
    Avail(0);

    EXPECT_EQ(FaultOfPop(), QueueFault::kReadableAfterWritable);
}

TEST(SplitQueueHugeChain, FourGibibytesBreakTheQueue) {
    // Sparse: nothing of it is touched.
    const auto memory = GuestMemory::Create(3 * address_map::kGiB).value();
    VirtioDriver driver(memory, {.size = 8});
    auto queue = SplitQueue::Create(memory, driver.Config(), driver.Features()).value();
    std::array<iovec, 8> storage{};
    driver.Chain().BufferAt(GuestAddress(0), 0x8000'0000, 0).BufferAt(GuestAddress(0), 0x7fff'ffff, 0).Send();
    driver.Chain().BufferAt(GuestAddress(0), 0x8000'0000, 0).BufferAt(GuestAddress(0), 0x8000'0000, 0).Send();

    EXPECT_EQ(queue.Pop(storage)->value().Readable().size(), 2U);
    EXPECT_EQ(queue.Pop(storage).error(), QueueFault::kChainTooLarge);
}

}  // namespace
}  // namespace husk
