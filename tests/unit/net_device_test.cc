// The parts of a network device that are neither sending nor receiving: several pairs, the control queue, headers,
// features, life and death of the wire.
#include <poll.h>

#include "devices/virtio/net/net_command.h"
#include "devices/virtio/net/net_header.h"
#include "tests/unit/net_driver.h"
#include "vmm/base/clock.h"

namespace husk {
namespace {

using testing::Frame;
using testing::NetMachine;

constexpr std::uint64_t kMany = kFeatureNetMrgRxbuf | kFeatureNetCtrlVq | kFeatureNetMq;
constexpr std::uint64_t kAllOffloads = kFeatureNetCsum | kFeatureNetHostTso4 | kFeatureNetHostTso6;

std::uint8_t SetPairs(NetMachine& machine, std::uint16_t pairs) {
    return machine.Command(kNetCtrlMq, kNetCtrlMqPairsSet, BytesOf(pairs));
}

TEST(NetDevice, OnePairIsInUseUntilTheDriverSaysOtherwise) {
    NetMachine machine({.features = kMany, .pairs = 2, .wires = 2});
    for (const std::size_t pair : {0U, 1U}) {
        for (int chain = 0; chain < 4; ++chain) (void)machine.Rx(pair).Chain().Writable(512).Send();
    }
    machine.wire.Arrive(Frame(60, 1), 0);
    machine.wire.Arrive(Frame(60, 2), 1);
    EXPECT_TRUE(machine.Serve());
    EXPECT_TRUE(machine.Rx(0).TakeUsed());
    EXPECT_TRUE(machine.Rx(0).TakeUsed());
    EXPECT_EQ(SetPairs(machine, 2), kNetCtrlOk);
    machine.wire.Arrive(Frame(60, 3), 1);
    EXPECT_TRUE(machine.Serve());
    EXPECT_FALSE(machine.Rx(0).TakeUsed());
    EXPECT_TRUE(machine.Rx(1).TakeUsed());
    EXPECT_EQ(SetPairs(machine, 1), kNetCtrlOk);
    machine.wire.Arrive(Frame(60, 4), 1);
    EXPECT_TRUE(machine.Serve());
    EXPECT_TRUE(machine.Rx(0).TakeUsed());
}

TEST(NetDevice, EachPairSendsOnItsQueueOfTheWire) {
    NetMachine machine({.features = kMany, .pairs = 3, .wires = 2});
    for (const std::size_t pair : {0U, 1U, 2U}) machine.Send(Frame(60), {}, pair);
    EXPECT_TRUE(machine.Serve());
    ASSERT_EQ(machine.wire.sent.size(), 3u);
    EXPECT_EQ(machine.wire.sent[0].queue, 0u);
    EXPECT_EQ(machine.wire.sent[1].queue, 1u);
    EXPECT_EQ(machine.wire.sent[2].queue, 0u);
}

TEST(NetDevice, NumberOfPairsThatIsNotOfferedIsRefused) {
    NetMachine machine({.features = kMany, .pairs = 2, .wires = 2});
    EXPECT_EQ(SetPairs(machine, 0), kNetCtrlError);
    EXPECT_EQ(SetPairs(machine, 3), kNetCtrlError);
    EXPECT_EQ(SetPairs(machine, 0xffff), kNetCtrlError);
    EXPECT_EQ(machine.counters.refused.Get(), 3u);
}

TEST(NetDevice, OtherCommandsAreRefused) {
    NetMachine machine;
    constexpr std::uint8_t kRx = 0, kPromiscuous = 0;
    EXPECT_EQ(machine.Command(kRx, kPromiscuous, BytesOf(std::uint8_t{1})), kNetCtrlError);
    EXPECT_EQ(SetPairs(machine, 1), kNetCtrlError) << "without MQ there is no such command";
    EXPECT_EQ(machine.Command(kNetCtrlMq, kNetCtrlMqPairsSet, testing::Frame(300)), kNetCtrlError);
}

TEST(NetDevice, ControlQueueFollowsTheFirstPairOfADriverWithoutMq) {
    EXPECT_EQ(ControlQueue(4, kFeatureNetMq), 8u);
    EXPECT_EQ(ControlQueue(4, 0), 2u);
}

TEST(NetDevice, CommandWithoutRoomForItsAnswerBreaksTheDevice) {
    NetMachine machine;
    (void)machine.Control().Chain().Readable("abcd").Send();
    EXPECT_FALSE(machine.Serve());
    EXPECT_EQ(machine.device.Fault(), QueueFault::kNoRoomForAnswer);
}

TEST(NetDevice, QueueThatCannotBeIsAFaultAtOnce) {
    NetMachine machine;
    Activation activation = machine.Activation();
    activation.queues[1].desc = GuestAddress(~0ULL << 4);
    EXPECT_EQ(machine.device.Activate(activation), QueueFault::kRingNotInMemory);
    EXPECT_EQ(machine.device.Events(0), 0);
}

TEST(NetDevice, WireThatIsCutIsWaitedForNoMoreAndFramesAreDropped) {
    NetMachine machine;
    (void)machine.Rx().Chain().Writable(512).Send();
    EXPECT_TRUE(machine.Serve());
    machine.wire.gone = true;
    machine.wire.send_error = ENETDOWN;
    EXPECT_EQ(machine.device.Events(0), 0);
    machine.Send(Frame(60));
    EXPECT_TRUE(machine.Serve());
    EXPECT_TRUE(machine.Tx().TakeUsed());
    EXPECT_EQ(machine.Dropped(machine.counters.from_guest, NetDrop::kWire), 1u);
}

TEST(NetDevice, WithoutQueuesNothingHappens) {
    NetMachine machine;
    Activation activation = machine.Activation();
    activation.queues = {};
    EXPECT_EQ(machine.device.Activate(activation), std::nullopt);
    machine.wire.Arrive(Frame(60));
    EXPECT_TRUE(machine.Serve());
    EXPECT_EQ(machine.wire.incoming[0].size(), 1u);
}

// --- Being awake for the next frame

std::uint64_t Looks(const NetMachine& machine) {
    return machine.counters.polls_hit.Get() + machine.counters.polls_missed.Get();
}

// Sends frames with pauses that it pays to be awake for.
void SendSome(NetMachine& machine, std::size_t size, int frames) {
    for (int frame = 0; frame < frames; ++frame) {
        machine.Send(
            Frame(size),
            {.flags = kNetNeedsCsum, .gso_type = kNetGsoTcp4, .gso_size = 1448, .csum_start = 34, .csum_offset = 16});
        (void)machine.Serve();
        while (machine.Tx().TakeUsed()) {
        }
        const auto until = MonotonicNanoseconds() + 30'000;
        while (MonotonicNanoseconds() < until) {
        }
    }
}

TEST(NetDevice, StaysAwakeForTheNextSmallFrameButNotBetweenThePiecesOfAStream) {
    NetMachine machine({.features = kAllOffloads});
    const auto deadline = MonotonicNanoseconds() + 10'000'000'000;  // a busy host may keep it from looking for a while
    while (Looks(machine) == 0 && MonotonicNanoseconds() < deadline) SendSome(machine, 100, 10);
    ASSERT_GT(Looks(machine), 0u) << "nothing would be shown by what follows";
    SendSome(machine, 40'000, 1);
    const std::uint64_t before = Looks(machine);
    SendSome(machine, 40'000, 200);
    EXPECT_EQ(Looks(machine), before);
    EXPECT_EQ(machine.wire.sent.back().frame.size(), 40'000u);
}

TEST(NetHeader, WhatWasCheckedIsAllThatIsLeft) {
    NetHeader header{.flags = 0xfe, .hdr_len = 0xffff, .gso_size = 5, .csum_start = 3, .csum_offset = 4};
    EXPECT_TRUE(SanitizeHeader(header, 100, kAllOffloads));
    EXPECT_EQ(header.flags, 0);
    EXPECT_EQ(header.hdr_len, 100);
    EXPECT_EQ(header.gso_size, 0);
    EXPECT_EQ(header.csum_start, 0);
    EXPECT_EQ(header.csum_offset, 0);
}

TEST(NetHeader, ChecksumLiesWithinTheFrame) {
    NetHeader fits{.flags = kNetNeedsCsum, .csum_start = 90, .csum_offset = 8};
    EXPECT_TRUE(SanitizeHeader(fits, 100, kAllOffloads));
    NetHeader beyond{.flags = kNetNeedsCsum, .csum_start = 90, .csum_offset = 9};
    EXPECT_FALSE(SanitizeHeader(beyond, 100, kAllOffloads));
    NetHeader wraps{.flags = kNetNeedsCsum, .csum_start = 0xffff, .csum_offset = 0xffff};
    EXPECT_FALSE(SanitizeHeader(wraps, 100, kAllOffloads));
}

TEST(NetHeader, SegmentationNeedsItsFeatureASizeAndAChecksum) {
    const NetHeader good{.flags = kNetNeedsCsum, .gso_type = kNetGsoTcp6, .gso_size = 1, .csum_start = 54};
    NetHeader header = good;
    EXPECT_TRUE(SanitizeHeader(header, 100, kAllOffloads));
    header = good;
    EXPECT_FALSE(SanitizeHeader(header, 100, kFeatureNetCsum | kFeatureNetHostTso4));
    header = good;
    header.gso_size = 0;
    EXPECT_FALSE(SanitizeHeader(header, 100, kAllOffloads));
    header = good;
    header.flags = 0;
    EXPECT_FALSE(SanitizeHeader(header, 100, kAllOffloads));
    for (const int type : {2, 3, 5, 0x81, 0x84, 0xff}) {
        header = good;
        header.gso_type = static_cast<std::uint8_t>(type);
        EXPECT_FALSE(SanitizeHeader(header, 100, kAllOffloads)) << type;
    }
}

TEST(NetConfig, OnlyWhatTheWireCanDoIsOffered) {
    constexpr std::uint64_t kSegments =
        kFeatureNetHostTso4 | kFeatureNetHostTso6 | kFeatureNetGuestTso4 | kFeatureNetGuestTso6;
    const std::uint64_t none = NetFeatures({}, 1, 0);
    EXPECT_EQ(none & (kFeatureNetCsum | kFeatureNetGuestCsum | kFeatureNetMq | kFeatureNetMtu | kSegments), 0u);
    EXPECT_EQ(NetFeatures({.tso4 = true, .tso6 = true}, 1, 0) & kSegments, 0u) << "not without checksums";
    const std::uint64_t all = NetFeatures({.csum = true, .tso4 = true, .tso6 = true}, 2, 1500);
    EXPECT_EQ(all & (kSegments | kFeatureNetMq | kFeatureNetMtu), kSegments | kFeatureNetMq | kFeatureNetMtu);
}

TEST(NetConfig, GuestIsHandedUndoneOnlyWhatItNegotiated) {
    EXPECT_EQ(GuestOffloads(kFeatureNetGuestTso4), NetOffloads{}) << "segments need checksums";
    EXPECT_EQ(GuestOffloads(kFeatureNetGuestCsum | kFeatureNetGuestTso6), (NetOffloads{.csum = true, .tso6 = true}));
}

}  // namespace
}  // namespace husk
