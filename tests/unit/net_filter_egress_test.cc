// allow= and deny=: where a guest may send to.
#include <gtest/gtest.h>

#include "tests/support/frames.h"

namespace husk {
namespace {

using namespace frames;

constexpr IpAddress kPublicV4 = IpAddress::V4(192, 0, 2, 1);
constexpr IpAddress kDnsV4 = IpAddress::V4(10, 0, 0, 53);
constexpr IpAddress kLinkLocal = IpAddress::LinkLocalOf(kOtherMac);
constexpr IpPrefix kTen{IpAddress::V4(10, 0, 0, 0), 8};
constexpr IpPrefix kDocumentation{IpAddress::V6({0x20, 1, 0x0d, 0xb8}), 32};

NetRules Rules(std::initializer_list<EgressRule> list, Egress otherwise = Egress::kAllow) {
    NetRules rules = MacOnlyRules();
    for (const EgressRule& rule : list) rules.egress[rules.egress_count++] = rule;
    rules.egress_default = otherwise;
    return rules;
}
NetRules DenyAll() { return Rules({}, Egress::kDeny); }
NetRules DenyAllButDns(const IpAddress& dns) {
    NetRules rules = DenyAll();
    rules.dns = dns;
    return rules;
}
Verdict SendTo(const NetRules& rules, const IpAddress& to) {
    const bool v4 = to.family == IpFamily::kV4;
    return Send(rules, v4 ? Ipv4{.destination = to}.Frame() : Ipv6{.destination = to}.Frame());
}

TEST(NetFilterEgress, TheFirstMatchDecides) {
    const NetRules rules = Rules({{Egress::kAllow, IpPrefix::Only(kOtherV4)}, {Egress::kDeny, kTen}});
    EXPECT_EQ(SendTo(rules, kOtherV4), Verdict::kPass);
    EXPECT_EQ(SendTo(rules, kDnsV4), Verdict::kEgress);
    const NetRules turned = Rules({{Egress::kDeny, kTen}, {Egress::kAllow, IpPrefix::Only(kOtherV4)}});
    EXPECT_EQ(SendTo(turned, kOtherV4), Verdict::kEgress);
}

TEST(NetFilterEgress, TheDefaultDecidesWithoutAMatch) {
    EXPECT_EQ(SendTo(Rules({{Egress::kDeny, kTen}}), kPublicV4), Verdict::kPass);
    EXPECT_EQ(SendTo(Rules({{Egress::kAllow, kTen}}, Egress::kDeny), kPublicV4), Verdict::kEgress);
    EXPECT_EQ(SendTo(Rules({{Egress::kAllow, kTen}}, Egress::kDeny), kOtherV4), Verdict::kPass);
}

TEST(NetFilterEgress, FamiliesDoNotMatchEachOther) {
    const NetRules rules = Rules({{Egress::kAllow, {IpAddress::V4(0, 0, 0, 0), 0}}}, Egress::kDeny);
    EXPECT_EQ(SendTo(rules, kPublicV4), Verdict::kPass);
    EXPECT_EQ(SendTo(rules, kOtherV6), Verdict::kEgress);
    EXPECT_EQ(SendTo(Rules({{Egress::kDeny, kDocumentation}}), kOtherV6), Verdict::kEgress);
}

TEST(NetFilterEgress, LaterFragmentsAreJudgedToo) {
    EXPECT_EQ(Send(DenyAll(), Ipv4{.fragment = 1}.Frame()), Verdict::kEgress);
    EXPECT_EQ(Send(DenyAll(), Ipv6{.next = 44, .payload = InFragment(17, 9, Bytes(8))}.Frame()), Verdict::kEgress);
}

TEST(NetFilterEgress, SourceRoutesAreDropped) {
    const NetRules rules = Rules({{Egress::kDeny, kTen}});
    const Bytes loose{131, 7, 4, 10, 0, 0, 6, 0};
    const Bytes strict{1, 137, 7, 4, 10, 0, 0, 6};
    EXPECT_EQ(Send(rules, Ipv4{.destination = kPublicV4, .options = loose}.Frame()), Verdict::kEgress);
    EXPECT_EQ(Send(rules, Ipv4{.destination = kPublicV4, .options = strict}.Frame()), Verdict::kEgress);
    EXPECT_EQ(Send(rules, Ipv4{.destination = kPublicV4, .options = {148, 4, 0, 0}}.Frame()), Verdict::kPass);
    EXPECT_EQ(Send(rules, Ipv4{.destination = kPublicV4, .options = {148, 9, 0, 0}}.Frame()), Verdict::kMalformed);
    EXPECT_EQ(Send(MacOnlyRules(), Ipv4{.options = loose}.Frame()), Verdict::kPass) << "no rules to get around";
}

TEST(NetFilterEgress, RoutingHeadersAreDropped) {
    const NetRules rules = Rules({{Egress::kDeny, kTen}});
    EXPECT_EQ(Send(rules, Ipv6{.next = 43, .payload = Behind(17, Ports(1, 2), 24)}.Frame()), Verdict::kEgress);
    EXPECT_EQ(Send(rules, Ipv6{.next = 60, .payload = Behind(43, Behind(17, Ports(1, 2)))}.Frame()), Verdict::kEgress);
}

TEST(NetFilterEgress, NamesOfTheHostItselfAreDropped) {
    const NetRules rules = Rules({{Egress::kDeny, kTen}});
    EXPECT_EQ(SendTo(rules, kZeroV4), Verdict::kEgress);
    EXPECT_EQ(SendTo(rules, kZeroV6), Verdict::kEgress);
    EXPECT_EQ(SendTo(rules, IpAddress::V6({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1})), Verdict::kEgress);
}

TEST(NetFilterEgress, TranslatedAddressesMustBeAllowedInBothForms) {
    const NetRules rules = Rules({{Egress::kDeny, kTen}});
    EXPECT_EQ(SendTo(rules, IpAddress::V6({0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0, 10, 0, 0, 6})),
              Verdict::kEgress);
    EXPECT_EQ(SendTo(rules, IpAddress::V6({0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0, 192, 0, 2, 1})),
              Verdict::kPass);
    EXPECT_EQ(SendTo(rules, IpAddress::V6({0x20, 2, 10, 0, 0, 6})), Verdict::kEgress);
    EXPECT_EQ(SendTo(rules, IpAddress::V6({0x20, 2, 192, 0, 2, 1})), Verdict::kPass);
}

TEST(NetFilterEgress, OtherFramesAreDropped) {
    NetRules rules = DenyAll();
    rules.strict = 0;
    EXPECT_EQ(Send(rules, Ethernet(0x8100, Bytes(60))), Verdict::kVlan);
    EXPECT_EQ(Send(rules, Ethernet(0x8863, Bytes(60))), Verdict::kEthertype);
    EXPECT_EQ(Send(rules, Ethernet(0x0800, Bytes(60))), Verdict::kMalformed);
    EXPECT_EQ(Send(rules, Bytes(13)), Verdict::kMalformed);
}

TEST(NetFilterEgress, TheLinkKeepsWorking) {
    const NetRules rules = DenyAll();
    const IpAddress all_routers = IpAddress::V6({0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2});
    const IpAddress dhcp_servers = IpAddress::V6({0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2});
    const IpAddress everybody = IpAddress::V4(255, 255, 255, 255);
    const Bytes report = Behind(58, {143, 0, 0, 0, 0, 0, 0, 0});
    EXPECT_EQ(Send(rules, Arp{}.Frame()), Verdict::kPass);
    EXPECT_EQ(Send(rules, Ipv4{.source = kZeroV4, .destination = everybody, .payload = Ports(68, 67)}.Frame()),
              Verdict::kPass);
    EXPECT_EQ(Send(rules, Ipv6{.destination = dhcp_servers, .payload = Ports(546, 547)}.Frame()), Verdict::kPass);
    EXPECT_EQ(Send(rules, Ipv6{.destination = all_routers, .next = 58, .payload = {133, 0, 0, 0, 0, 0, 0, 0}}.Frame()),
              Verdict::kPass);
    EXPECT_EQ(Send(rules, Ipv6{.destination = kAllNodes, .next = 58, .payload = Nd(135, kOtherV6, 1)}.Frame()),
              Verdict::kPass);
    EXPECT_EQ(Send(rules, Ipv6{.destination = kLinkLocal, .next = 58, .payload = Nd(136, kOwnV6, 2)}.Frame()),
              Verdict::kPass);
    EXPECT_EQ(Send(rules, Ipv6{.destination = kAllNodes, .next = 0, .hop_limit = 1, .payload = report}.Frame()),
              Verdict::kPass);
    EXPECT_EQ(Send(rules, Ipv4{.destination = IpAddress::V4(224, 0, 0, 22), .protocol = 2, .ttl = 1}.Frame()),
              Verdict::kPass);
}

TEST(NetFilterEgress, WhatTheLinkDoesNotNeedIsNoException) {
    const NetRules rules = DenyAll();
    const IpAddress everybody = IpAddress::V4(255, 255, 255, 255);
    const IpAddress group = IpAddress::V4(224, 0, 0, 251);
    EXPECT_EQ(SendTo(rules, everybody), Verdict::kEgress);
    EXPECT_EQ(SendTo(rules, kLinkLocal), Verdict::kEgress);
    EXPECT_EQ(SendTo(rules, kAllNodes), Verdict::kEgress);
    EXPECT_EQ(Send(rules, Ipv4{.destination = group, .payload = Ports(5353, 5353)}.Frame()), Verdict::kEgress);
    EXPECT_EQ(Send(rules, Ipv4{.destination = kPublicV4, .payload = Ports(68, 67)}.Frame()), Verdict::kEgress);
    EXPECT_EQ(Send(rules, Ipv4{.destination = group, .protocol = 2, .ttl = 2}.Frame()), Verdict::kEgress);
    EXPECT_EQ(Send(rules, Ipv4{.destination = everybody, .fragment = 0x2000, .payload = Ports(68, 67)}.Frame()),
              Verdict::kEgress);
}

TEST(NetFilterEgress, NeighbourDiscoveryCarriesNothingAway) {
    const NetRules rules = DenyAll();
    EXPECT_EQ(Send(rules, Ipv6{.next = 58, .payload = Nd(135, kOtherV6, 1)}.Frame()), Verdict::kEgress);
    EXPECT_EQ(Send(DenyAllButDns(kOtherV6), Ipv6{.next = 58, .payload = Nd(135, kOtherV6, 1)}.Frame()), Verdict::kPass);
}

TEST(NetFilterEgress, WhatReceiversWouldIgnoreIsNoNeighbourDiscovery) {
    NetRules rules = DenyAll();
    rules.strict = 0;
    const Ipv6 forwarded{.destination = kAllNodes, .next = 58, .hop_limit = 64, .payload = Nd(135, kOtherV6, 1)};
    EXPECT_EQ(Send(rules, forwarded.Frame()), Verdict::kEgress);
    const Ipv6 odd{.destination = kAllNodes, .next = 58, .payload = Bytes(30, 135)};
    EXPECT_EQ(Send(rules, odd.Frame()), Verdict::kEgress);
}

TEST(NetFilterEgress, MulticastFollowsTheRules) {
    const IpPrefix groups{IpAddress::V4(224, 0, 0, 0), 4};
    EXPECT_EQ(SendTo(Rules({{Egress::kDeny, groups}}), IpAddress::V4(224, 0, 0, 251)), Verdict::kEgress);
    EXPECT_EQ(SendTo(Rules({{Egress::kAllow, groups}}, Egress::kDeny), IpAddress::V4(224, 0, 0, 251)), Verdict::kPass);
}

TEST(NetFilterEgress, DnsIsAnExceptionOfOnePort) {
    const NetRules rules = DenyAllButDns(kDnsV4);
    EXPECT_EQ(Send(rules, Ipv4{.destination = kDnsV4, .payload = Ports(4000, 53)}.Frame()), Verdict::kPass);
    EXPECT_EQ(Send(rules, Ipv4{.destination = kDnsV4, .protocol = 6, .payload = Ports(4000, 53)}.Frame()),
              Verdict::kPass);
    EXPECT_EQ(Send(rules, Ipv4{.destination = kDnsV4, .payload = Ports(53, 54)}.Frame()), Verdict::kEgress);
    EXPECT_EQ(Send(rules, Ipv4{.destination = kDnsV4, .protocol = 1, .payload = Ports(4000, 53)}.Frame()),
              Verdict::kEgress);
    EXPECT_EQ(Send(rules, Ipv4{.destination = kOtherV4, .payload = Ports(4000, 53)}.Frame()), Verdict::kEgress);
    EXPECT_EQ(Send(rules, Ipv4{.destination = kDnsV4, .fragment = 0x2000, .payload = Ports(4000, 53)}.Frame()),
              Verdict::kEgress)
        << "a second fragment could overwrite the port";
    EXPECT_EQ(Send(DenyAllButDns(kOtherV6), Ipv6{.payload = Ports(4000, 53)}.Frame()), Verdict::kPass);
}

TEST(NetFilterEgress, WithoutADnsExceptionThereIsNone) {
    EXPECT_EQ(Send(DenyAll(), Ipv4{.destination = kDnsV4, .payload = Ports(4000, 53)}.Frame()), Verdict::kEgress);
}

TEST(NetFilterEgress, SpoofingIsTheReasonBeforeEgress) {
    NetRules rules = StrictRules();
    rules.egress_default = Egress::kDeny;
    EXPECT_EQ(Send(rules, Ipv4{.source = kOtherV4}.Frame()), Verdict::kSourceAddress);
}

}  // namespace
}  // namespace husk
