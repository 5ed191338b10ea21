// Indirect tables (Virtio 1.2 §2.7.5.3): SplitQueue::Pop() against drivers that keep their rules and break them.
#include <gtest/gtest.h>

#include <cstdint>

#include "devices/virtio/split_queue.h"
#include "tests/support/virtio_driver.h"
#include "tests/unit/virtio_chain_fixture.h"

namespace husk {
namespace {

using testing::SentChain;
using testing::VirtioDriver;

using SplitQueueIndirect = testing::ChainTest;

TEST_F(SplitQueueIndirect, IndirectTableIsFollowed) {
    const SentChain sent = driver_.Chain().Indirect().Readable("header").Writable(512).Writable(1).Send();

    const auto popped = Pop();

    const DescriptorChain& chain = popped->value();
    EXPECT_EQ(chain.Head(), sent.head);
    EXPECT_EQ(Text(chain.Readable()[0]), "header");
    EXPECT_EQ(chain.Writable().size(), 2U);
    EXPECT_EQ(driver_.FreeDescriptors(), 7U);
}

TEST_F(SplitQueueIndirect, IndirectTableMayEndADirectChain) {
    Desc(0, kDescNext, 5, 4);
    Desc(5, kDescIndirect, 0, 32, kTable);
    Inner(0, kDescNext, 1, 8);
    Inner(1, kDescWrite, 0, 12);
    Avail(0);

    const auto popped = Pop();

    const DescriptorChain& chain = popped->value();
    ASSERT_EQ(chain.Readable().size(), 2U);
    EXPECT_EQ(chain.Readable()[0].iov_len, 4U);
    EXPECT_EQ(chain.Readable()[1].iov_len, 8U);
    EXPECT_EQ(chain.Writable()[0].iov_len, 12U);
}

TEST_F(SplitQueueIndirect, WriteFlagOfAnIndirectDescriptorMeansNothing) {
    Desc(0, kDescIndirect | kDescWrite, 0, 16, kTable);
    Inner(0, 0);
    Avail(0);

    EXPECT_EQ(Pop()->value().Readable().size(), 1U);
}

TEST_F(SplitQueueIndirect, TableNeedNotBeAligned) {
    const GuestAddress odd(kTable.Value() + 7);
    Desc(0, kDescIndirect, 0, 32, odd);
    driver_.Rings().SetDescriptorAt(odd, 0, {kSomewhere.Value(), 0x304, kDescNext, 1});
    driver_.Rings().SetDescriptorAt(odd, 1, {kSomewhere.Value() + 1, 9, kDescWrite, 0});
    Avail(0);

    const auto popped = Pop();

    EXPECT_EQ((*popped)->Readable()[0].iov_len, 0x304U);
    EXPECT_EQ((*popped)->Writable()[0].iov_base, Memory().Slice(GuestAddress(kSomewhere.Value() + 1), 9)->data());
}

TEST_F(SplitQueueIndirect, CycleInAnIndirectTableBreaksTheQueue) {
    Desc(0, kDescIndirect, 0, 16, kTable);
    Inner(0, kDescNext, 0);
    Avail(0);

    EXPECT_EQ(FaultOfPop(), QueueFault::kChainTooLong);
}

TEST_F(SplitQueueIndirect, NextOutsideAnIndirectTableBreaksTheQueue) {
    Desc(0, kDescIndirect, 0, 32, kTable);
    Inner(0, kDescNext, 2);
    Avail(0);

    EXPECT_EQ(FaultOfPop(), QueueFault::kNextOutOfRange);
}

TEST_F(SplitQueueIndirect, ReadableAfterWritableAcrossTablesBreaksTheQueue) {
    Desc(0, kDescNext | kDescWrite, 1);
    Desc(1, kDescIndirect, 0, 16, kTable);
    Inner(0, 0);
    Avail(0);

    EXPECT_EQ(FaultOfPop(), QueueFault::kReadableAfterWritable);
}

TEST_F(SplitQueueIndirect, NestedIndirectTableBreaksTheQueue) {
    Desc(0, kDescIndirect, 0, 16, kTable);
    Inner(0, kDescIndirect);
    Avail(0);

    EXPECT_EQ(FaultOfPop(), QueueFault::kIndirectInvalid);
}

TEST_F(SplitQueueIndirect, IndirectTableThatGoesOnBreaksTheQueue) {
    Desc(0, kDescIndirect | kDescNext, 1, 16, kTable);
    Desc(1, 0);
    Avail(0);

    EXPECT_EQ(FaultOfPop(), QueueFault::kIndirectInvalid);
}

TEST_F(SplitQueueIndirect, IndirectTableOfOddLengthBreaksTheQueue) {
    Desc(0, kDescIndirect, 0, 24, kTable);
    Avail(0);

    EXPECT_EQ(FaultOfPop(), QueueFault::kIndirectInvalid);
}

TEST_F(SplitQueueIndirect, EmptyIndirectTableBreaksTheQueue) {
    Desc(0, kDescIndirect, 0, 0, kTable);
    Avail(0);

    EXPECT_EQ(FaultOfPop(), QueueFault::kIndirectInvalid);
}

TEST_F(SplitQueueIndirect, IndirectTableOutsideOfMemoryBreaksTheQueue) {
    Desc(0, kDescIndirect, 0, 32, GuestAddress(kRam - 16));
    Avail(0);

    EXPECT_EQ(FaultOfPop(), QueueFault::kBufferNotInMemory);
}

TEST_F(SplitQueueIndirect, IndirectTableWithoutTheFeatureBreaksTheQueue) {
    VirtioDriver plain(Memory(), {.size = 8, .indirect = false, .at = GuestAddress(0x40'0000)});
    auto queue = SplitQueue::Create(Memory(), plain.Config(), plain.Features()).value();
    plain.Chain().Indirect().Readable("header").Send();

    EXPECT_EQ(queue.Pop(storage_).error(), QueueFault::kIndirectNotOffered);
}

}  // namespace
}  // namespace husk
