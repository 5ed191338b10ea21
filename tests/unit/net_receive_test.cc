// What a guest gets: frames over one or several chains, the spill, starvation.
#include <poll.h>

#include "tests/unit/net_driver.h"

namespace husk {
namespace {

using testing::Bytes;
using testing::Frame;
using testing::NetMachine;
using testing::SentChain;
using testing::UsedChain;

constexpr std::uint64_t kPlain = kFeatureNetCtrlVq;

NetHeader HeaderIn(const Bytes& written) {
    NetHeader header;
    std::memcpy(&header, written.data(), sizeof header);
    return header;
}
Bytes FrameIn(const Bytes& written) { return {written.begin() + kNetHeaderBytes, written.end()}; }

TEST(NetReceive, FrameGoesIntoOneBufferWithItsHeader) {
    NetMachine machine;
    const SentChain room = machine.Rx().Chain().Writable(1600).Send();
    machine.wire.Arrive(Frame(1514));
    EXPECT_TRUE(machine.Serve());
    const auto used = machine.Rx().TakeUsed();
    ASSERT_TRUE(used);
    EXPECT_EQ(used->written, kNetHeaderBytes + 1514);
    const Bytes written = machine.Rx().Written(room, used->written);
    EXPECT_EQ(FrameIn(written), Frame(1514));
    EXPECT_EQ(HeaderIn(written).num_buffers, 1);
    EXPECT_EQ(machine.counters.to_guest.frames.Get(), 1u);
}

TEST(NetReceive, LargeFrameFillsAsManyChainsAsItNeeds) {
    NetMachine machine;
    std::vector<SentChain> rooms;
    for (int chain = 0; chain < 50; ++chain) rooms.push_back(machine.Rx().Chain().Writable(1536).Send());
    const Bytes frame = Frame(kMaxFrameBytes);
    machine.wire.Arrive(frame);
    EXPECT_TRUE(machine.Serve());
    Bytes written;
    std::size_t chains = 0;
    while (const auto used = machine.Rx().TakeUsed()) {
        EXPECT_EQ(used->head, rooms[chains].head);
        const Bytes part = machine.Rx().Written(rooms[chains++], used->written);
        written.insert(written.end(), part.begin(), part.end());
    }
    EXPECT_EQ(chains, 43u);
    EXPECT_EQ(HeaderIn(written).num_buffers, 43);
    EXPECT_EQ(FrameIn(written), frame);
}

TEST(NetReceive, FramesAfterALargeOneAreStillWhole) {
    NetMachine machine;
    std::vector<SentChain> rooms;
    for (int chain = 0; chain < 60; ++chain) rooms.push_back(machine.Rx().Chain().Writable(700).Send());
    for (int frame = 0; frame < 6; ++frame) machine.wire.Arrive(Frame(frame % 2 == 0 ? 6000 : 60, frame));
    EXPECT_TRUE(machine.Serve());
    std::size_t at = 0;
    for (int frame = 0; frame < 6; ++frame) {
        Bytes written;
        unsigned left = 1;
        for (unsigned part = 0; part < left; ++part) {
            const auto used = machine.Rx().TakeUsed();
            ASSERT_TRUE(used) << frame;
            const Bytes bytes = machine.Rx().Written(rooms[at++], used->written);
            if (part == 0) left = HeaderIn(bytes).num_buffers;
            written.insert(written.end(), bytes.begin(), bytes.end());
        }
        EXPECT_EQ(FrameIn(written), Frame(frame % 2 == 0 ? 6000 : 60, frame)) << frame;
    }
}

TEST(NetReceive, HeaderMayBeSplitOverBuffers) {
    NetMachine machine;
    const SentChain room = machine.Rx().Chain().Writable(5).Writable(6).Writable(3).Writable(200).Send();
    machine.wire.Arrive(Frame(100));
    EXPECT_TRUE(machine.Serve());
    const auto used = machine.Rx().TakeUsed();
    ASSERT_TRUE(used);
    const Bytes written = machine.Rx().Written(room, used->written);
    EXPECT_EQ(HeaderIn(written).num_buffers, 1);
    EXPECT_EQ(FrameIn(written), Frame(100));
}

TEST(NetReceive, FrameWaitsForBuffersThatComeLater) {
    NetMachine machine;
    const SentChain first = machine.Rx().Chain().Writable(512).Send();
    machine.wire.Arrive(Frame(900));
    EXPECT_TRUE(machine.Serve());
    EXPECT_FALSE(machine.Rx().TakeUsed());
    EXPECT_EQ(machine.device.Events(0) & POLLIN, 0) << "it must not wait for more frames";
    const SentChain second = machine.Rx().Chain().Writable(512).Send();
    EXPECT_TRUE(machine.Rx().MustRing());
    EXPECT_TRUE(machine.Serve());
    const auto one = machine.Rx().TakeUsed();
    const auto two = machine.Rx().TakeUsed();
    ASSERT_TRUE(one && two);
    EXPECT_EQ(one->written + two->written, kNetHeaderBytes + 900);
    Bytes written = machine.Rx().Written(first, one->written);
    const Bytes rest = machine.Rx().Written(second, two->written);
    written.insert(written.end(), rest.begin(), rest.end());
    EXPECT_EQ(FrameIn(written), Frame(900));
}

TEST(NetReceive, WithoutBuffersTheWireIsLeftAlone) {
    NetMachine machine;
    machine.wire.Arrive(Frame(100));
    EXPECT_TRUE(machine.Serve());
    EXPECT_EQ(machine.wire.incoming[0].size(), 1u);
    EXPECT_EQ(machine.device.Events(0), 0);
    (void)machine.Rx().Chain().Writable(512).Send();
    EXPECT_TRUE(machine.Rx().MustRing());
    EXPECT_TRUE(machine.Serve());
    EXPECT_TRUE(machine.Rx().TakeUsed());
    (void)machine.Rx().Chain().Writable(512).Send();
    EXPECT_TRUE(machine.Serve());
    EXPECT_EQ(machine.device.Events(0), POLLIN);
}

TEST(NetReceive, FrameThatNoQueueOfThisSizeHoldsIsDropped) {
    NetMachine machine({.queue_size = 4});
    for (int chain = 0; chain < 4; ++chain) (void)machine.Rx().Chain().Writable(100).Send();
    machine.wire.Arrive(Frame(1000));
    machine.wire.Arrive(Frame(60, 5));
    EXPECT_TRUE(machine.Serve());
    EXPECT_EQ(machine.Dropped(machine.counters.to_guest, NetDrop::kNoRoom), 1u);
    EXPECT_EQ(machine.counters.to_guest.frames.Get(), 1u);
}

TEST(NetReceive, WithoutMergingAFrameFitsIntoOneChainOrIsDropped) {
    NetMachine machine({.features = kPlain});
    (void)machine.Rx().Chain().Writable(512).Send();
    (void)machine.Rx().Chain().Writable(512).Send();
    machine.wire.Arrive(Frame(501));
    machine.wire.Arrive(Frame(500, 3));
    EXPECT_TRUE(machine.Serve());
    EXPECT_EQ(machine.Dropped(machine.counters.to_guest, NetDrop::kNoRoom), 1u);
    const auto used = machine.Rx().TakeUsed();
    ASSERT_TRUE(used);
    EXPECT_EQ(used->written, 512u);
    EXPECT_FALSE(machine.Rx().TakeUsed());
}

TEST(NetReceive, VerifiedChecksumsAreToldOnlyToWhoAsked) {
    constexpr std::uint8_t kDataValid = 2;
    for (const bool asked : {false, true}) {
        NetMachine machine({.features = kFeatureNetMrgRxbuf | (asked ? kFeatureNetGuestCsum : 0)});
        const SentChain room = machine.Rx().Chain().Writable(512).Send();
        machine.wire.Arrive(Frame(100), 0, {.flags = kDataValid});
        EXPECT_TRUE(machine.Serve());
        const Bytes written = machine.Rx().Written(room, 112);
        EXPECT_EQ(HeaderIn(written).flags, asked ? kDataValid : 0);
        EXPECT_EQ(machine.wire.offloads.csum, asked);
    }
}

TEST(NetReceive, WhatIsNoFrameIsDropped) {
    NetMachine machine;
    (void)machine.Rx().Chain().Writable(512).Send();
    machine.wire.Arrive(Frame(5));
    machine.wire.Arrive(Frame(kMaxFrameBytes + 600));
    EXPECT_TRUE(machine.Serve());
    EXPECT_EQ(machine.Dropped(machine.counters.to_guest, NetDrop::kSize), 2u);
    EXPECT_FALSE(machine.Rx().TakeUsed());
}

TEST(NetReceive, WireThatFailsIsNoEndlessLoop) {
    NetMachine machine;
    (void)machine.Rx().Chain().Writable(512).Send();
    machine.wire.receive_error = EIO;
    EXPECT_NE(machine.device.Serve(), ServeResult::kFault);
    machine.wire.receive_error = 0;
    machine.wire.Arrive(Frame(60));
    EXPECT_TRUE(machine.Serve());
    EXPECT_TRUE(machine.Rx().TakeUsed());
}

TEST(NetReceive, ChainWithoutRoomForAHeaderBreaksTheQueue) {
    NetMachine machine;
    (void)machine.Rx().Chain().Writable(11).Send();
    EXPECT_FALSE(machine.Serve());
    EXPECT_EQ(machine.device.Fault(), QueueFault::kNoRoomForAnswer);
}

TEST(NetReceive, ReadableBufferInThisQueueBreaksIt) {
    NetMachine machine;
    (void)machine.Rx().Chain().Readable("text").Writable(600).Send();
    EXPECT_FALSE(machine.Serve());
    EXPECT_EQ(machine.device.Fault(), QueueFault::kNoRoomForAnswer);
}

TEST(NetReceive, ManyMoreFramesThanTheQueueHasEntries) {
    NetMachine machine({.queue_size = 8});
    for (int round = 0; round < 2000; ++round) {
        const SentChain room = machine.Rx().Chain().Writable(300).Writable(300).Send();
        machine.wire.Arrive(Frame(200, round));
        ASSERT_TRUE(machine.Serve());
        const auto used = machine.Rx().TakeUsed();
        ASSERT_TRUE(used);
        ASSERT_EQ(FrameIn(machine.Rx().Written(room, used->written)), Frame(200, round)) << round;
    }
}

}  // namespace
}  // namespace husk
