#include "devices/virtio/net/egress_rules.h"

#include "devices/virtio/net/icmpv6.h"

namespace husk {

namespace {

constexpr IpAddress kDhcpV6Servers = IpAddress::V6({0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2});
constexpr IpPrefix kLinkMulticast{IpAddress::V6({0xff, 0x02}), 16};
constexpr IpPrefix kMapped{IpAddress::V6({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}), 96};  // RFC 4291 §2.5.5.2
constexpr IpPrefix kNat64{IpAddress::V6({0, 0x64, 0xff, 0x9b}), 96};                        // RFC 6052
constexpr IpPrefix k6To4{IpAddress::V6({0x20, 0x02}), 16};                                  // RFC 3056
constexpr std::uint16_t kDnsPort = 53;

bool IsLinkDiscovery(const NetRules& rules, const IpView& ip) {
    const std::optional<IcmpV6> type = IcmpV6TypeOf(ip);
    if (!type || !IsNeighbourDiscovery(*type) || !ParseNd(ip)) return false;
    const IpAddress& to = ip.destination;
    return kLinkMulticast.Contains(to) || to.IsLinkLocalV6() || to == rules.dns;
}

bool KeepsTheLinkGoing(const NetRules& rules, const IpView& ip) {
    if (ip.fragment) return false;
    if (ip.source.family == IpFamily::kV6) {
        const bool asks_dhcp = ip.destination == kDhcpV6Servers && ip.IsUdp(546, 547);
        return asks_dhcp || IsGroupReport(ip) || IsLinkDiscovery(rules, ip);
    }
    const bool asks_dhcp = ip.destination.IsBroadcast() && ip.IsUdp(68, 67);
    const bool reports = ip.protocol == kProtocolIgmp && ip.hop_limit == 1 && ip.destination.IsMulticast();
    return asks_dhcp || reports;
}

bool AsksDns(const NetRules& rules, const IpView& ip) {
    const bool transport = ip.protocol == kProtocolUdp || ip.protocol == kProtocolTcp;
    return transport && !ip.fragment && ip.destination == rules.dns && ip.destination_port == kDnsPort;
}

bool Allows(const NetRules& rules, const IpAddress& destination) {
    for (const EgressRule& rule : rules.EgressRules()) {
        if (rule.destination.Contains(destination)) return rule.verdict == Egress::kAllow;
    }
    return rules.egress_default == Egress::kAllow;
}

// The IPv4 address at byte `at` of an IPv6 one.
IpAddress EmbeddedAt(const IpAddress& address, std::size_t at) {
    const auto& b = address.bytes;
    return IpAddress::V4(b[at], b[at + 1], b[at + 2], b[at + 3]);
}

bool MayReach(const NetRules& rules, const IpAddress& to) {
    if (to.IsUnspecified() || kMapped.Contains(to) || !Allows(rules, to)) return false;
    if (kNat64.Contains(to)) return Allows(rules, EmbeddedAt(to, 12));
    return !k6To4.Contains(to) || Allows(rules, EmbeddedAt(to, 2));
}

}  // namespace

Verdict JudgeEgress(const NetRules& rules, const FrameView& frame) {
    using Kind = FrameView::Kind;
    if (frame.kind == Kind::kArp) return Verdict::kPass;
    if (frame.kind == Kind::kVlan) return Verdict::kVlan;
    if (frame.kind == Kind::kOther) return Verdict::kEthertype;
    if (!frame.IsIp()) return Verdict::kMalformed;
    const IpView& ip = frame.ip;
    if (ip.source_routed) return Verdict::kEgress;
    const bool allowed = MayReach(rules, ip.destination) || KeepsTheLinkGoing(rules, ip) || AsksDns(rules, ip);
    return allowed ? Verdict::kPass : Verdict::kEgress;
}

}  // namespace husk
