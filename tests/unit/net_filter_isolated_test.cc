// isolated, peer=: a guest that talks to its peers only.
#include <gtest/gtest.h>

#include "tests/support/frames.h"

namespace husk {
namespace {

using namespace frames;

constexpr MacAddress kStranger{{0x02, 0, 0, 0, 0, 9}};

NetRules Isolated() {
    NetRules rules = MacOnlyRules();
    rules.isolated = 1;
    rules.peers[0] = kOtherMac;
    rules.peer_count = 1;
    return rules;
}

// The same frame with other addresses on the outside.
Bytes From(const MacAddress& source, const MacAddress& destination, Bytes frame) {
    std::ranges::copy(destination.bytes, frame.begin());
    std::ranges::copy(source.bytes, frame.begin() + 6);
    return frame;
}

TEST(NetFilterIsolated, UnicastGoesToPeersOnly) {
    EXPECT_EQ(Send(Isolated(), Ipv4{}.Frame()), Verdict::kPass);
    EXPECT_EQ(Send(Isolated(), Ipv4{.to = kStranger}.Frame()), Verdict::kPeer);
    EXPECT_EQ(Send(Isolated(), Arp{.operation = 2, .to = kStranger}.Frame()), Verdict::kPeer);
}

TEST(NetFilterIsolated, UnicastComesFromPeersOnly) {
    EXPECT_EQ(Receive(Isolated(), From(kOtherMac, kOwnMac, Ipv4{}.Frame())), Verdict::kPass);
    EXPECT_EQ(Receive(Isolated(), From(kStranger, kOwnMac, Ipv4{}.Frame())), Verdict::kPeer);
    EXPECT_EQ(Receive(Isolated(), From(kStranger, kBroadcast, Arp{}.Frame())), Verdict::kPeer);
    EXPECT_EQ(Receive(Isolated(), Bytes(13)), Verdict::kMalformed);
}

TEST(NetFilterIsolated, GroupsGetWhatFindsPeers) {
    const Bytes report = Behind(58, {143, 0, 0, 0, 0, 0, 0, 0});
    const Bytes solicitation = Nd(135, kOtherV6, 1);
    const Ipv6 asks{.destination = kAllNodes, .next = 58, .payload = solicitation, .to = kGroupMac};
    EXPECT_EQ(Send(Isolated(), Arp{}.Frame()), Verdict::kPass);
    EXPECT_EQ(Send(Isolated(), asks.Frame()), Verdict::kPass);
    EXPECT_EQ(
        Send(Isolated(),
             Ipv6{.destination = kAllNodes, .next = 0, .hop_limit = 1, .payload = report, .to = kGroupMac}.Frame()),
        Verdict::kPass);
    EXPECT_EQ(Receive(Isolated(), From(kOtherMac, kBroadcast, Arp{}.Frame())), Verdict::kPass);
}

TEST(NetFilterIsolated, GroupsGetNothingElse) {
    const Bytes advertisement = Nd(134, kZeroV6);
    EXPECT_EQ(Send(Isolated(), Ipv4{.to = kBroadcast}.Frame()), Verdict::kPeer);
    EXPECT_EQ(Send(Isolated(), Ipv4{.source = kZeroV4, .payload = Ports(68, 67), .to = kBroadcast}.Frame()),
              Verdict::kPeer);
    EXPECT_EQ(Send(Isolated(), Ipv6{.to = kGroupMac}.Frame()), Verdict::kPeer);
    EXPECT_EQ(Receive(Isolated(), From(kOtherMac, kBroadcast, Ipv4{}.Frame())), Verdict::kPeer);
    EXPECT_EQ(Receive(Isolated(), From(kOtherMac, kGroupMac, Ipv6{.next = 58, .payload = advertisement}.Frame())),
              Verdict::kPeer);
}

TEST(NetFilterIsolated, NothingTravelsBehindABroadcastMessage) {
    Bytes frame = Arp{}.Frame();
    frame.resize(60);
    EXPECT_EQ(Send(Isolated(), frame), Verdict::kPass);
    frame.resize(61);
    EXPECT_EQ(Send(Isolated(), frame), Verdict::kPeer);
    frame = Ipv6{.destination = kAllNodes, .next = 58, .payload = Nd(135, kOtherV6, 1), .to = kGroupMac}.Frame();
    frame.resize(95);
    EXPECT_EQ(Send(Isolated(), frame), Verdict::kPeer);
}

TEST(NetFilterIsolated, LongGroupReportsStayHere) {
    Bytes frame = Ipv6{.destination = kAllNodes,
                       .next = 0,
                       .hop_limit = 1,
                       .payload = Behind(58, {143, 0, 0, 0, 0, 0, 0, 0}),
                       .to = kGroupMac}
                      .Frame();
    frame.resize(256);
    EXPECT_EQ(Send(Isolated(), frame), Verdict::kPass);
    frame.resize(257);
    EXPECT_EQ(Send(Isolated(), frame), Verdict::kPeer);
}

TEST(NetFilterIsolated, WithoutStrictItHoldsTheSame) {
    NetRules rules = Isolated();
    rules.strict = 0;
    const Ipv6 forwarded{
        .destination = kAllNodes, .next = 58, .hop_limit = 64, .payload = Nd(135, kOtherV6, 1), .to = kGroupMac};
    EXPECT_EQ(Send(rules, forwarded.Frame()), Verdict::kPeer);
    EXPECT_EQ(Send(rules, Ethernet(0x8100, Bytes(60))), Verdict::kPass) << "to a peer, whatever it is";
    EXPECT_EQ(Send(rules, Ethernet(0x8100, Bytes(46), kBroadcast)), Verdict::kPeer);
    EXPECT_EQ(Send(rules, Ethernet(0x8863, Bytes(46), kStranger)), Verdict::kPeer);
}

TEST(NetFilterIsolated, OthersReceiveEverything) {
    EXPECT_FALSE(FrameFilter(StrictRules()).LooksAtIncoming());
    EXPECT_EQ(Receive(StrictRules(), From(kStranger, kBroadcast, Ipv4{}.Frame())), Verdict::kPass);
}

}  // namespace
}  // namespace husk
