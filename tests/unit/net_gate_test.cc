// What stands between a guest and its wire: rules, rate, capture, as the device applies them.
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/unit/net_driver.h"

namespace husk {
namespace {

using testing::Bytes;
using testing::Frame;
using testing::NetMachine;
using testing::SentChain;

constexpr MacAddress kOwn{{0x52, 0x54, 0, 0, 0, 1}};
constexpr MacAddress kPeer{{0x52, 0x54, 0, 0, 0, 2}};
constexpr MacAddress kStranger{{0x52, 0x54, 0, 0, 0, 3}};

// IPv4 without anything in it.
Bytes FrameFrom(const MacAddress& source, const MacAddress& destination) {
    Bytes frame(60);
    std::ranges::transform(destination.bytes, frame.begin(), [](std::uint8_t byte) { return std::byte{byte}; });
    std::ranges::transform(source.bytes, frame.begin() + 6, [](std::uint8_t byte) { return std::byte{byte}; });
    frame[12] = std::byte{8};
    frame[14] = std::byte{0x45};
    frame[17] = std::byte{20};
    frame[22] = std::byte{64};
    frame[23] = std::byte{1};
    std::ranges::copy(BytesOf(std::uint32_t{0x0100000a}), frame.begin() + 26);
    std::ranges::copy(BytesOf(std::uint32_t{0x0200000a}), frame.begin() + 30);
    return frame;
}

NetMachine::Options Guarded(bool isolated) {
    NetMachine::Options options;
    options.gate.rules.own_mac = kOwn;
    options.gate.rules.strict = 1;
    options.gate.rules.isolated = isolated ? 1 : 0;
    options.gate.rules.peer_count = 1;
    options.gate.rules.peers[0] = kPeer;
    return options;
}

TEST(NetGate, FrameFromAnotherAddressIsDroppedCountedAndGivenBack) {
    NetMachine machine(Guarded(false));
    machine.Send(FrameFrom(kStranger, kPeer));
    machine.Send(FrameFrom(kOwn, kPeer));
    EXPECT_TRUE(machine.Serve());
    ASSERT_EQ(machine.wire.sent.size(), 1u);
    EXPECT_EQ(machine.wire.sent[0].frame, FrameFrom(kOwn, kPeer));
    EXPECT_EQ(machine.counters.from_guest.filtered[static_cast<std::size_t>(Verdict::kSourceMac)].Get(), 1u);
    EXPECT_TRUE(machine.Tx().TakeUsed());
    EXPECT_TRUE(machine.Tx().TakeUsed());
}

TEST(NetGate, IsolatedGuestNeverSeesAByteOfAStranger) {
    NetMachine machine(Guarded(true));
    const SentChain room = machine.Rx().Chain().Writable(512).Send();
    machine.wire.Arrive(FrameFrom(kStranger, kOwn));
    EXPECT_TRUE(machine.Serve());
    EXPECT_FALSE(machine.Rx().TakeUsed());
    EXPECT_TRUE(
        std::ranges::all_of(machine.Rx().Bytes(room.buffers[0]), [](std::byte b) { return b == std::byte{0xee}; }));
    EXPECT_EQ(machine.counters.to_guest.filtered[static_cast<std::size_t>(Verdict::kPeer)].Get(), 1u);
    machine.wire.Arrive(FrameFrom(kPeer, kOwn));
    EXPECT_TRUE(machine.Serve());
    const auto used = machine.Rx().TakeUsed();
    ASSERT_TRUE(used);
    const Bytes written = machine.Rx().Written(room, used->written);
    EXPECT_EQ(Bytes(written.begin() + kNetHeaderBytes, written.end()), FrameFrom(kPeer, kOwn));
}

TEST(NetGate, IsolatedGuestGetsLargeFramesOverSeveralChains) {
    NetMachine machine(Guarded(true));
    for (int chain = 0; chain < 8; ++chain) (void)machine.Rx().Chain().Writable(100).Send();
    Bytes frame = FrameFrom(kPeer, kOwn);
    frame.resize(500, std::byte{7});
    machine.wire.Arrive(frame);
    EXPECT_TRUE(machine.Serve());
    EXPECT_EQ(machine.counters.to_guest.bytes.Get(), 500u);
    for (int chain = 0; chain < 6; ++chain) EXPECT_TRUE(machine.Rx().TakeUsed());
    EXPECT_FALSE(machine.Rx().TakeUsed());
}

TEST(NetGate, WhatIsOverTheRateWaitsAndIsNotLost) {
    NetMachine::Options options;
    options.gate.rules.strict = 0;
    options.gate.bytes_a_second = 1000;
    NetMachine machine(options);
    for (int frame = 0; frame < 4; ++frame) machine.Send(Frame(60'000, frame));
    EXPECT_TRUE(machine.Serve());
    EXPECT_EQ(machine.wire.sent.size(), 2u);
    EXPECT_EQ(machine.device.Events(0) & POLLOUT, 0) << "it is not the wire that it waits for";
    EXPECT_GT(machine.device.Wait(), 1'000'000'000u);
    EXPECT_LT(machine.device.Wait(), 100'000'000'000u);
    EXPECT_EQ(machine.counters.from_guest.waits.Get(), 1u);
    EXPECT_TRUE(machine.Serve());
    EXPECT_EQ(machine.counters.from_guest.waits.Get(), 1u);
}

TEST(NetGate, IncomingFramesAreLeftOnTheWireWhileTheRateIsUsedUp) {
    NetMachine::Options options;
    options.gate.rules.strict = 0;
    options.gate.bytes_a_second = 1000;
    NetMachine machine(options);
    for (int chain = 0; chain < 60; ++chain) (void)machine.Rx().Chain().Writable(4000).Send();
    for (int frame = 0; frame < 4; ++frame) machine.wire.Arrive(Frame(60'000, frame));
    EXPECT_TRUE(machine.Serve());
    EXPECT_EQ(machine.counters.to_guest.frames.Get(), 2u);
    EXPECT_EQ(machine.device.Events(0), 0);
    EXPECT_LT(machine.device.Wait(), 100'000'000'000u);
}

TEST(NetGate, CaptureHoldsWhatPassesInBothDirections) {
    const ScopedFd file(::memfd_create("capture", MFD_CLOEXEC));
    ASSERT_EQ(::fcntl(file.Get(), F_SETFL, O_APPEND | O_RDWR), 0);
    NetMachine::Options options = Guarded(false);
    options.gate.capture = PcapWriter(file.Get(), 65536);
    NetMachine machine(options);
    (void)machine.Rx().Chain().Writable(30).Writable(7).Writable(100).Send();
    machine.Send(FrameFrom(kStranger, kPeer));
    machine.Send(FrameFrom(kOwn, kPeer));
    machine.wire.Arrive(FrameFrom(kPeer, kOwn));
    EXPECT_TRUE(machine.Serve());
    Bytes captured(1000);
    const ssize_t got = ::pread(file.Get(), captured.data(), captured.size(), 0);
    constexpr std::size_t kRecord = 16 + 60;
    ASSERT_EQ(got, ssize_t{2 * kRecord});
    const auto frame = [&](std::size_t record) {
        const auto part = std::span(captured).subspan(record * kRecord + 16, 60);
        return Bytes(part.begin(), part.end());
    };
    EXPECT_EQ(frame(0), FrameFrom(kOwn, kPeer));
    EXPECT_EQ(frame(1), FrameFrom(kPeer, kOwn));
}

}  // namespace
}  // namespace husk
