// filter=strict: what a guest may say about itself.
#include <gtest/gtest.h>

#include "tests/support/frames.h"

namespace husk {
namespace {

using namespace frames;

constexpr IpAddress kOwnLinkLocal = IpAddress::LinkLocalOf(kOwnMac);
constexpr IpAddress kOtherLinkLocal = IpAddress::LinkLocalOf(kOtherMac);

Verdict Strict(const Bytes& frame) { return Send(StrictRules(), frame); }

TEST(NetFilterStrict, OwnTrafficPasses) {
    EXPECT_EQ(Strict(Arp{}.Frame()), Verdict::kPass);
    EXPECT_EQ(Strict(Arp{.operation = 2, .to = kOtherMac}.Frame()), Verdict::kPass);
    EXPECT_EQ(Strict(Ipv4{}.Frame()), Verdict::kPass);
    EXPECT_EQ(Strict(Ipv4{.protocol = kProtocolTcp}.Frame()), Verdict::kPass);
    EXPECT_EQ(Strict(Ipv6{}.Frame()), Verdict::kPass);
    EXPECT_EQ(Strict(Ipv6{.source = kOwnLinkLocal}.Frame()), Verdict::kPass);
}

TEST(NetFilterStrict, ForeignSourceMacIsDropped) {
    EXPECT_EQ(Strict(Ethernet(0x0800, {}, kOtherMac, kOtherMac)), Verdict::kSourceMac);
    Bytes frame = Ipv4{}.Frame();
    frame[11] ^= 1;
    EXPECT_EQ(Strict(frame), Verdict::kSourceMac);
}

TEST(NetFilterStrict, OnlyThreeEthertypesPass) {
    EXPECT_EQ(Strict(Ethernet(0x8100, Bytes(60))), Verdict::kVlan);
    EXPECT_EQ(Strict(Ethernet(0x88a8, Bytes(60))), Verdict::kVlan);
    EXPECT_EQ(Strict(Ethernet(0x8035, Bytes(60))), Verdict::kEthertype) << "RARP";
    EXPECT_EQ(Strict(Ethernet(0x0026, Bytes(60))), Verdict::kEthertype) << "a length: LLC, spanning tree";
    EXPECT_EQ(Strict(Ethernet(0x8863, Bytes(60))), Verdict::kEthertype) << "PPPoE";
}

TEST(NetFilterStrict, ArpSpeaksForItsSenderOnly) {
    EXPECT_EQ(Strict(Arp{.sender_mac = kOtherMac}.Frame()), Verdict::kArp);
    EXPECT_EQ(Strict(Arp{.sender = kOtherV4}.Frame()), Verdict::kArp);
    EXPECT_EQ(Strict(Arp{.operation = 2, .sender = kOtherV4}.Frame()), Verdict::kArp);
    EXPECT_EQ(Send(MacOnlyRules(), Arp{.sender = kOtherV4}.Frame()), Verdict::kPass);
    EXPECT_EQ(Send(MacOnlyRules(), Arp{.sender_mac = kOtherMac}.Frame()), Verdict::kArp);
}

TEST(NetFilterStrict, ArpProbeHasNoSenderYet) {
    EXPECT_EQ(Strict(Arp{.sender = kZeroV4}.Frame()), Verdict::kPass);
    EXPECT_EQ(Strict(Arp{.operation = 2, .sender = kZeroV4}.Frame()), Verdict::kArp) << "an answer is no probe";
}

TEST(NetFilterStrict, ArpOfAnotherKindIsDropped) {
    EXPECT_EQ(Strict(Arp{.hardware = 6}.Frame()), Verdict::kArp);
    EXPECT_EQ(Strict(Arp{.protocol = 0x86dd}.Frame()), Verdict::kArp);
    EXPECT_EQ(Strict(Arp{.hardware_bytes = 8}.Frame()), Verdict::kArp);
    EXPECT_EQ(Strict(Arp{.protocol_bytes = 16}.Frame()), Verdict::kArp);
    EXPECT_EQ(Strict(Arp{.operation = 3}.Frame()), Verdict::kArp) << "reverse ARP";
}

TEST(NetFilterStrict, ForeignIpv4SourceIsDropped) {
    EXPECT_EQ(Strict(Ipv4{.source = kOtherV4}.Frame()), Verdict::kSourceAddress);
    EXPECT_EQ(Send(MacOnlyRules(), Ipv4{.source = kOtherV4}.Frame()), Verdict::kPass);
    EXPECT_EQ(Send(MacOnlyRules(), Ipv4{.source = IpAddress::V4(224, 0, 0, 1)}.Frame()), Verdict::kSourceAddress);
    EXPECT_EQ(Send(MacOnlyRules(), Ipv4{.source = IpAddress::V4(255, 255, 255, 255)}.Frame()), Verdict::kSourceAddress);
}

TEST(NetFilterStrict, ForeignSourceInALaterFragmentIsDropped) {
    EXPECT_EQ(Strict(Ipv4{.source = kOtherV4, .fragment = 0x2001}.Frame()), Verdict::kSourceAddress);
    EXPECT_EQ(Strict(Ipv4{.fragment = 0x0001}.Frame()), Verdict::kPass);
}

TEST(NetFilterStrict, Ipv4WithoutAnAddressMayOnlyAskDhcp) {
    EXPECT_EQ(Strict(Ipv4{.source = kZeroV4, .payload = Ports(68, 67)}.Frame()), Verdict::kPass);
    EXPECT_EQ(Strict(Ipv4{.source = kZeroV4, .payload = Ports(68, 53)}.Frame()), Verdict::kSourceAddress);
    EXPECT_EQ(Strict(Ipv4{.source = kZeroV4, .protocol = kProtocolTcp, .payload = Ports(68, 67)}.Frame()),
              Verdict::kSourceAddress);
    EXPECT_EQ(Strict(Ipv4{.source = kZeroV4, .fragment = 0x2000, .payload = Ports(68, 67)}.Frame()),
              Verdict::kSourceAddress);
}

TEST(NetFilterStrict, APrefixAllowsAllOfIt) {
    NetRules rules = MacOnlyRules();
    rules.addresses[0] = {IpAddress::V4(10, 0, 0, 0), 29};
    rules.address_count = 1;
    EXPECT_EQ(Send(rules, Ipv4{.source = IpAddress::V4(10, 0, 0, 7)}.Frame()), Verdict::kPass);
    EXPECT_EQ(Send(rules, Ipv4{.source = IpAddress::V4(10, 0, 0, 8)}.Frame()), Verdict::kSourceAddress);
    EXPECT_EQ(Send(rules, Ipv6{.source = kOtherV6}.Frame()), Verdict::kPass) << "no IPv6 address is listed";
}

TEST(NetFilterStrict, DhcpServersAreNotGuests) {
    EXPECT_EQ(Strict(Ipv4{.payload = Ports(67, 68)}.Frame()), Verdict::kDhcpServer);
    EXPECT_EQ(Strict(Ipv6{.payload = Ports(547, 546)}.Frame()), Verdict::kDhcpServer);
    EXPECT_EQ(Strict(Ipv6{.next = 60, .payload = Behind(kProtocolUdp, Ports(547, 546))}.Frame()), Verdict::kDhcpServer);
    EXPECT_EQ(Strict(Ipv4{.protocol = kProtocolTcp, .payload = Ports(67, 68)}.Frame()), Verdict::kPass);
    EXPECT_EQ(Strict(Ipv6{.source = kOwnLinkLocal, .payload = Ports(546, 547)}.Frame()), Verdict::kPass);
}

TEST(NetFilterStrict, ForeignIpv6SourceIsDropped) {
    EXPECT_EQ(Strict(Ipv6{.source = kOtherV6}.Frame()), Verdict::kSourceAddress);
    EXPECT_EQ(Strict(Ipv6{.source = kOtherLinkLocal}.Frame()), Verdict::kSourceAddress);
    EXPECT_EQ(Send(MacOnlyRules(), Ipv6{.source = kOtherV6}.Frame()), Verdict::kPass);
    EXPECT_EQ(Send(MacOnlyRules(), Ipv6{.source = kAllNodes}.Frame()), Verdict::kSourceAddress);
    EXPECT_EQ(Send(MacOnlyRules(), Ipv6{.source = kZeroV6}.Frame()), Verdict::kSourceAddress);
}

Verdict Message(const NetRules& rules, const IpAddress& source, const Bytes& message) {
    return Send(rules, Ipv6{.source = source, .destination = kAllNodes, .next = 58, .payload = message}.Frame());
}
Verdict Message(const IpAddress& source, const Bytes& message) { return Message(StrictRules(), source, message); }

TEST(NetFilterStrict, OwnNeighbourDiscoveryPasses) {
    EXPECT_EQ(Message(kOwnLinkLocal, Nd(135, kOtherV6, 1)), Verdict::kPass);
    EXPECT_EQ(Message(kOwnV6, Nd(136, kOwnV6, 2)), Verdict::kPass);
    EXPECT_EQ(Message(kOwnV6, Nd(136, kOwnLinkLocal, 2)), Verdict::kPass);
    EXPECT_EQ(Message(kOwnV6, Nd(136, kOwnV6)), Verdict::kPass) << "the option may be left out";
    EXPECT_EQ(Message(kZeroV6, Nd(135, kOwnV6)), Verdict::kPass) << "duplicate address detection";
    EXPECT_EQ(Message(kZeroV6, {133, 0, 0, 0, 0, 0, 0, 0}), Verdict::kPass) << "router solicitation";
}

TEST(NetFilterStrict, NeighbourDiscoveryForOthersIsDropped) {
    constexpr Verdict kDropped = Verdict::kNeighbourDiscovery;
    EXPECT_EQ(Message(kOwnV6, Nd(136, kOtherV6, 2)), kDropped) << "somebody else's address";
    EXPECT_EQ(Message(kOwnV6, Nd(136, kOwnV6, 2, kOtherMac)), kDropped) << "somebody else's MAC address";
    EXPECT_EQ(Message(kOwnV6, Nd(135, kOtherV6, 1, kOtherMac)), kDropped);
    EXPECT_EQ(Message(kZeroV6, Nd(135, kOtherV6)), kDropped) << "would keep its owner from using it";
    EXPECT_EQ(Message(MacOnlyRules(), kOwnV6, Nd(136, kOtherV6, 2)), Verdict::kPass);
    EXPECT_EQ(Message(MacOnlyRules(), kOwnV6, Nd(136, kOtherV6, 2, kOtherMac)), kDropped);
}

TEST(NetFilterStrict, ASecondLinkAddressIsNotOverlooked) {
    for (const bool own_first : {true, false}) {
        Bytes message = Nd(136, kOwnV6, 2, own_first ? kOwnMac : kOtherMac);
        message.insert(message.end(), {2, 1});
        Put(message, own_first ? kOtherMac : kOwnMac);
        EXPECT_EQ(Message(kOwnV6, message), Verdict::kNeighbourDiscovery);
    }
}

TEST(NetFilterStrict, RoutersAreNotGuests) {
    Bytes advertisement = Nd(134, kZeroV6);
    EXPECT_EQ(Message(kOwnLinkLocal, advertisement), Verdict::kNeighbourDiscovery);
    Bytes redirect = Nd(137, kOtherV6);
    redirect.resize(40);
    EXPECT_EQ(Message(kOwnLinkLocal, redirect), Verdict::kNeighbourDiscovery);
    EXPECT_EQ(Message(MacOnlyRules(), kOwnLinkLocal, advertisement), Verdict::kNeighbourDiscovery);
}

TEST(NetFilterStrict, OptionsThatDoNotAddUpAreDropped) {
    Bytes endless = Nd(136, kOwnV6);
    endless.insert(endless.end(), {14, 0, 0, 0, 0, 0, 0, 0});
    EXPECT_EQ(Message(kOwnV6, endless), Verdict::kNeighbourDiscovery);
    Bytes too_long = Nd(136, kOwnV6);
    too_long.insert(too_long.end(), {14, 2, 0, 0, 0, 0, 0, 0});
    EXPECT_EQ(Message(kOwnV6, too_long), Verdict::kNeighbourDiscovery);
}

TEST(NetFilterStrict, LinkAddressesOfOtherSizesAreDropped) {
    Bytes message = Nd(136, kOwnV6, 2);
    message[25] = 2;  // of 16 bytes: only the first would be looked at
    Put(message, Bytes(8, 0xaa));
    EXPECT_EQ(Message(kOwnV6, message), Verdict::kNeighbourDiscovery);
}

TEST(NetFilterStrict, NeighbourDiscoveryOfAnotherCodeIsDropped) {
    Bytes message = Nd(136, kOwnV6, 2);
    message[1] = 1;
    EXPECT_EQ(Message(kOwnV6, message), Verdict::kNeighbourDiscovery);
}

TEST(NetFilterStrict, OptionsOutOfSightAreDropped) {
    Bytes message = Nd(136, kOwnV6);
    message.insert(message.end(), {14, 25});
    message.resize(24 + 25 * 8);
    message.insert(message.end(), {2, 1});
    Put(message, kOtherMac);
    EXPECT_EQ(Message(kOwnV6, message), Verdict::kNeighbourDiscovery);
}

TEST(NetFilterStrict, NeighbourDiscoveryFromAfarIsDropped) {
    const Ipv6 frame{.next = 58, .hop_limit = 254, .payload = Nd(136, kOwnV6, 2)};
    EXPECT_EQ(Strict(frame.Frame()), Verdict::kNeighbourDiscovery);
}

TEST(NetFilterStrict, NeighbourDiscoveryIsFoundBehindExtensionHeaders) {
    const Bytes advertisement = Nd(136, kOtherV6, 2);
    EXPECT_EQ(Strict(Ipv6{.next = 0, .payload = Behind(58, advertisement)}.Frame()), Verdict::kNeighbourDiscovery);
    EXPECT_EQ(Strict(Ipv6{.next = 60, .payload = Behind(60, Behind(58, advertisement, 16))}.Frame()),
              Verdict::kNeighbourDiscovery);
    EXPECT_EQ(Strict(Ipv6{.next = 43, .payload = Behind(58, advertisement)}.Frame()), Verdict::kNeighbourDiscovery);
    EXPECT_EQ(Strict(Ipv6{.next = 60, .payload = Behind(58, Nd(136, kOwnV6, 2))}.Frame()), Verdict::kPass);
}

TEST(NetFilterStrict, AuthenticationHeaderDoesNotHide) {
    Bytes chain = Behind(58, Nd(136, kOtherV6, 2), 16);
    chain[1] = 2;  // counts words of 4 bytes
    EXPECT_EQ(Strict(Ipv6{.next = 51, .payload = chain}.Frame()), Verdict::kNeighbourDiscovery);
}

TEST(NetFilterStrict, AChainWithoutAnEndInSightIsMalformed) {
    Bytes chain = Nd(136, kOtherV6, 2);
    std::uint8_t next = 58;
    for (int i = 0; i < 9; ++i) {
        chain = Behind(next, chain);
        next = 60;
    }
    EXPECT_EQ(Strict(Ipv6{.next = 60, .payload = chain}.Frame()), Verdict::kMalformed);
    EXPECT_EQ(Strict(Ipv6{.next = 60, .payload = Behind(58, Nd(136, kOtherV6, 2), 256)}.Frame()), Verdict::kMalformed);
}

TEST(NetFilterStrict, FragmentsDoNotHideNeighbourDiscovery) {
    const Bytes advertisement = Nd(136, kOwnV6, 2);
    EXPECT_EQ(Strict(Ipv6{.next = 44, .payload = InFragment(58, 1, advertisement)}.Frame()),
              Verdict::kNeighbourDiscovery);
    EXPECT_EQ(Strict(Ipv6{.next = 44, .payload = InFragment(58, 0, advertisement)}.Frame()),
              Verdict::kNeighbourDiscovery)
        << "in the only fragment, too";
}

TEST(NetFilterStrict, AFirstFragmentHoldsAllHeaders) {
    EXPECT_EQ(Strict(Ipv6{.next = 44, .payload = InFragment(60, 1, {58})}.Frame()), Verdict::kMalformed);
    EXPECT_EQ(Strict(Ipv6{.next = 44, .payload = InFragment(kProtocolUdp, 1, Bytes(4))}.Frame()), Verdict::kMalformed);
    EXPECT_EQ(Strict(Ipv6{.next = 44, .payload = InFragment(kProtocolUdp, 1, Ports(1, 2))}.Frame()), Verdict::kPass);
    EXPECT_EQ(Strict(Ipv4{.fragment = 0x2000, .payload = Bytes(4)}.Frame()), Verdict::kMalformed);
}

TEST(NetFilterStrict, FirstFragmentWithoutIcmpTypeIsMalformed) {
    EXPECT_EQ(Strict(Ipv6{.next = 44, .payload = InFragment(58, 1, {})}.Frame()), Verdict::kMalformed);
}

TEST(NetFilterStrict, LaterFragmentsPassWithTheOwnSource) {
    EXPECT_EQ(Strict(Ipv6{.next = 44, .payload = InFragment(kProtocolUdp, 9, Bytes(8))}.Frame()), Verdict::kPass);
    EXPECT_EQ(Strict(Ipv6{.source = kOtherV6, .next = 44, .payload = InFragment(17, 9, Bytes(8))}.Frame()),
              Verdict::kSourceAddress);
}

TEST(NetFilterStrict, GroupReportsNeedNoAddress) {
    const Bytes report = Behind(58, {143, 0, 0, 0, 0, 0, 0, 0});
    EXPECT_EQ(
        Strict(Ipv6{.source = kZeroV6, .destination = kAllNodes, .next = 0, .hop_limit = 1, .payload = report}.Frame()),
        Verdict::kPass);
    EXPECT_EQ(Strict(Ipv6{.source = kZeroV6, .next = 0, .hop_limit = 1, .payload = report}.Frame()),
              Verdict::kSourceAddress)
        << "to a single host it is no report";
    const Bytes in_fragment = InFragment(58, 0, {143, 0, 0, 0, 0, 0, 0, 0});
    EXPECT_EQ(
        Strict(Ipv6{.source = kZeroV6, .destination = kAllNodes, .next = 44, .hop_limit = 1, .payload = in_fragment}
                   .Frame()),
        Verdict::kSourceAddress);
}

TEST(NetFilterStrict, LengthsThatLieAreMalformed) {
    Bytes frame = Ipv4{}.Frame();
    frame[17] = 200;  // total length
    EXPECT_EQ(Strict(frame), Verdict::kMalformed);
    frame = Ipv4{}.Frame();
    frame[14] = 0x44;  // header length
    EXPECT_EQ(Strict(frame), Verdict::kMalformed);
    frame = Ipv4{}.Frame();
    frame[14] = 0x65;  // version
    EXPECT_EQ(Strict(frame), Verdict::kMalformed);
    frame = Ipv6{}.Frame();
    frame[19] = 200;  // payload length
    EXPECT_EQ(Strict(frame), Verdict::kMalformed);
    EXPECT_EQ(Strict(Bytes(13)), Verdict::kMalformed);
    EXPECT_EQ(Strict({}), Verdict::kMalformed);
}

TEST(NetFilterStrict, ExtensionHeadersBehindThePacketAreMalformed) {
    Bytes frame = Ipv6{.next = 60, .payload = Behind(kProtocolUdp, {}, 8)}.Frame();
    frame[55] = 1;  // 16 bytes, of which 8 are in the packet
    Put(frame, Ports(40000, 40001, 64));
    EXPECT_EQ(Strict(frame), Verdict::kMalformed);
}

TEST(NetFilterStrict, JumbogramsAreMalformed) {
    Bytes frame = Ipv6{.next = 0, .payload = Behind(kProtocolUdp, Ports(40000, 40001))}.Frame();
    frame[18] = frame[19] = 0;
    EXPECT_EQ(Strict(frame), Verdict::kMalformed);
}

TEST(NetFilterStrict, PaddingBehindThePacketIsNoPartOfIt) {
    // The message ends before its option, as far as receivers are concerned.
    Bytes frame = Ipv6{.next = 58, .payload = Nd(136, kOwnV6)}.Frame();
    frame.insert(frame.end(), {2, 1, 1, 2, 3, 4, 5, 6});
    EXPECT_EQ(Strict(frame), Verdict::kPass);
}

TEST(NetFilterStrict, FilterOffPassesEverything) {
    NetRules rules = StrictRules();
    rules.strict = 0;
    EXPECT_FALSE(FrameFilter(rules).LooksAtFrames());
    EXPECT_EQ(Send(rules, Ethernet(0x8100, {}, kOtherMac, kOtherMac)), Verdict::kPass);
    EXPECT_EQ(Send(rules, {}), Verdict::kPass);
}

}  // namespace
}  // namespace husk
