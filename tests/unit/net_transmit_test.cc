// What a guest sends: chains of any shape, headers, back-pressure, faults.
#include <poll.h>

#include "tests/unit/net_driver.h"

namespace husk {
namespace {

using testing::Bytes;
using testing::Frame;
using testing::Joined;
using testing::NetMachine;
using testing::SentChain;

constexpr std::uint64_t kOffloads =
    kFeatureNetCsum | kFeatureNetHostTso4 | kFeatureNetHostTso6 | kFeatureNetMrgRxbuf | kFeatureNetCtrlVq;

TEST(NetTransmit, FrameArrivesWholeAndItsChainComesBack) {
    NetMachine machine;
    const Bytes frame = Frame(1514);
    const SentChain sent = machine.Send(frame);
    EXPECT_TRUE(machine.Serve());
    ASSERT_EQ(machine.wire.sent.size(), 1u);
    EXPECT_EQ(machine.wire.sent[0].frame, frame);
    EXPECT_EQ(machine.Tx().TakeUsed(), (testing::UsedChain{sent.head, 0}));
    EXPECT_EQ(machine.counters.from_guest.frames.Get(), 1u);
    EXPECT_EQ(machine.counters.from_guest.bytes.Get(), 1514u);
}

TEST(NetTransmit, AnySplitOverBuffersIsTheSameFrame) {
    const Bytes frame = Frame(600);
    const Bytes all = Joined(BytesOf(NetHeader{}), frame);
    for (const std::size_t step : {1U, 5U, 12U, 13U, 100U, 267U, 268U, 269U, 612U}) {
        NetMachine machine({.queue_size = 256});
        auto chain = machine.Tx().Chain();
        chain.Indirect();
        const std::size_t longest = std::max<std::size_t>(step, (all.size() + 255) / 256);
        for (std::size_t at = 0; at < all.size(); at += longest) {
            chain.Readable(std::span(all).subspan(at, std::min(longest, all.size() - at)));
        }
        (void)chain.Send();
        EXPECT_TRUE(machine.Serve());
        ASSERT_EQ(machine.wire.sent.size(), 1u) << step;
        EXPECT_EQ(machine.wire.sent[0].frame, frame) << step;
    }
}

TEST(NetTransmit, FrameThatIsTooShortOrTooLongIsDroppedCountedAndGivenBack) {
    NetMachine machine;
    machine.Send(Frame(13));
    (void)machine.Tx().Chain().Readable(BytesOf(std::uint64_t{0})).Send();
    (void)machine.Tx().Chain().Writable(64).Send();
    machine.Send(Frame(kMaxFrameBytes + 1));
    EXPECT_TRUE(machine.Serve());
    EXPECT_EQ(machine.wire.sent.size(), 0u);
    EXPECT_EQ(machine.Dropped(machine.counters.from_guest, NetDrop::kSize), 4u);
    for (int chain = 0; chain < 4; ++chain) EXPECT_TRUE(machine.Tx().TakeUsed());
    machine.Send(Frame(14));
    machine.Send(Frame(kMaxFrameBytes));
    EXPECT_TRUE(machine.Serve());
    EXPECT_EQ(machine.wire.sent.size(), 2u);
}

TEST(NetTransmit, HeaderThatWasNotNegotiatedIsDropped) {
    NetMachine machine;
    machine.Send(Frame(100), {.flags = kNetNeedsCsum, .csum_start = 34, .csum_offset = 16});
    machine.Send(Frame(100), {.gso_type = kNetGsoTcp4, .gso_size = 10});
    EXPECT_TRUE(machine.Serve());
    EXPECT_EQ(machine.wire.sent.size(), 0u);
    EXPECT_EQ(machine.Dropped(machine.counters.from_guest, NetDrop::kHeader), 2u);
}

TEST(NetTransmit, NegotiatedOffloadsReachTheWire) {
    NetMachine machine({.features = kOffloads});
    machine.Send(Frame(9000), {.flags = kNetNeedsCsum,
                               .gso_type = kNetGsoTcp4,
                               .hdr_len = 54,
                               .gso_size = 1448,
                               .csum_start = 34,
                               .csum_offset = 16,
                               .num_buffers = 77});
    EXPECT_TRUE(machine.Serve());
    ASSERT_EQ(machine.wire.sent.size(), 1u);
    const NetHeader& header = machine.wire.sent[0].header;
    EXPECT_EQ(header.gso_type, kNetGsoTcp4);
    EXPECT_EQ(header.gso_size, 1448);
    EXPECT_EQ(header.csum_start, 34);
    EXPECT_EQ(header.num_buffers, 0);
}

TEST(NetTransmit, FullWireKeepsTheFrameUntilThereIsRoom) {
    NetMachine machine;
    machine.wire.send_error = EAGAIN;
    machine.Send(Frame(500, 1));
    machine.Send(Frame(500, 2));
    EXPECT_TRUE(machine.Serve());
    EXPECT_NE(machine.device.Events(0) & POLLOUT, 0);
    EXPECT_FALSE(machine.Tx().TakeUsed());
    machine.wire.send_error = 0;
    EXPECT_TRUE(machine.Serve());
    EXPECT_EQ(machine.device.Events(0) & POLLOUT, 0);
    ASSERT_EQ(machine.wire.sent.size(), 2u);
    EXPECT_EQ(machine.wire.sent[0].frame, Frame(500, 1));
    EXPECT_EQ(machine.wire.sent[1].frame, Frame(500, 2));
}

TEST(NetTransmit, HeadOfAWaitingFrameIsTheOneThatWasChecked) {
    NetMachine machine;
    machine.wire.send_error = EAGAIN;
    const SentChain sent = machine.Send(Frame(300, 1));
    EXPECT_TRUE(machine.Serve());
    std::ranges::fill(machine.Tx().Bytes(sent.buffers[0]), std::byte{0xff});
    std::ranges::fill(machine.Tx().Bytes(sent.buffers[1]), std::byte{0xff});
    machine.wire.send_error = 0;
    EXPECT_TRUE(machine.Serve());
    ASSERT_EQ(machine.wire.sent.size(), 1u);
    EXPECT_EQ(machine.wire.sent[0].header.flags, 0);
    const Bytes frame = Frame(300, 1);
    EXPECT_TRUE(std::ranges::equal(std::span(machine.wire.sent[0].frame).first(256), std::span(frame).first(256)));
}

TEST(NetTransmit, FrameThatTheWireRefusesIsDroppedAndTheNextOneIsSent) {
    NetMachine machine;
    machine.wire.send_error = EIO;
    machine.Send(Frame(100));
    EXPECT_TRUE(machine.Serve());
    machine.wire.send_error = 0;
    machine.Send(Frame(100));
    EXPECT_TRUE(machine.Serve());
    EXPECT_EQ(machine.Dropped(machine.counters.from_guest, NetDrop::kWire), 1u);
    EXPECT_EQ(machine.wire.sent.size(), 1u);
}

TEST(NetTransmit, ABatchIsOneInterrupt) {
    NetMachine machine;
    for (int frame = 0; frame < 20; ++frame) {
        const NetHeader header;
        (void)machine.Tx().Chain().Readable(BytesOf(header)).Readable(Frame(100, frame)).Add();
    }
    machine.Tx().Expose();
    EXPECT_TRUE(machine.Serve());
    EXPECT_EQ(machine.wire.sent.size(), 20u);
    EXPECT_EQ(machine.line.pulses, 1u);
}

TEST(NetTransmit, BrokenQueueIsToldOnceAndNothingIsServedUntilTheReset) {
    NetMachine machine;
    machine.Tx().Rings().SetAvailable(0, 9999);
    machine.Tx().Rings().SetAvailableIndex(1);
    EXPECT_FALSE(machine.Serve());
    EXPECT_EQ(machine.device.Fault(), QueueFault::kHeadOutOfRange);
    EXPECT_EQ(machine.device.Events(0), 0);
    EXPECT_TRUE(machine.Serve());
    machine.Activate();
    machine.Send(Frame(60));
    EXPECT_TRUE(machine.Serve());
    EXPECT_EQ(machine.wire.sent.size(), 1u);
}

TEST(NetTransmit, ResetForgetsAFrameThatWaited) {
    NetMachine machine;
    machine.wire.send_error = EAGAIN;
    machine.Send(Frame(100, 1));
    EXPECT_TRUE(machine.Serve());
    machine.device.Deactivate();
    machine.wire.send_error = 0;
    EXPECT_TRUE(machine.Serve());
    EXPECT_EQ(machine.wire.sent.size(), 0u);
}

}  // namespace
}  // namespace husk
