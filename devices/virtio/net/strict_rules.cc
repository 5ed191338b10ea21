#include "devices/virtio/net/strict_rules.h"

#include "devices/virtio/net/icmpv6.h"

namespace husk {

namespace {

constexpr std::uint16_t kArpRequest = 1;
constexpr std::uint16_t kArpReply = 2;

bool IsOwnV4(const NetRules& rules, const IpAddress& address) {
    return !rules.Lists(IpFamily::kV4) || rules.IsOwn(address);
}
bool IsOwnV6(const NetRules& rules, const IpAddress& address) {
    return !rules.Lists(IpFamily::kV6) || rules.IsOwn(address) || address == IpAddress::LinkLocalOf(rules.own_mac);
}

Verdict JudgeArp(const NetRules& rules, const ArpView& arp) {
    const bool request = arp.operation == kArpRequest;
    if (!arp.for_ipv4_on_ethernet || !(request || arp.operation == kArpReply)) return Verdict::kArp;
    if (arp.sender_mac != rules.own_mac) return Verdict::kArp;
    const bool probe = request && arp.sender.IsUnspecified();
    return probe || IsOwnV4(rules, arp.sender) ? Verdict::kPass : Verdict::kArp;
}

Verdict JudgeIpv4Source(const NetRules& rules, const IpView& ip) {
    if (ip.source.IsMulticast() || ip.source.IsBroadcast()) return Verdict::kSourceAddress;
    if (IsOwnV4(rules, ip.source)) return Verdict::kPass;
    const bool asks_dhcp = ip.source.IsUnspecified() && ip.IsUdp(68, 67) && !ip.fragment;
    return asks_dhcp ? Verdict::kPass : Verdict::kSourceAddress;
}

Verdict JudgeIpv6Source(const NetRules& rules, const IpView& ip) {
    if (ip.source.IsMulticast()) return Verdict::kSourceAddress;
    if (ip.source.IsUnspecified()) {
        const std::optional<IcmpV6> type = IcmpV6TypeOf(ip);
        const bool asks = type == IcmpV6::kNeighbourSolicitation || type == IcmpV6::kRouterSolicitation;
        return asks || IsGroupReport(ip) ? Verdict::kPass : Verdict::kSourceAddress;
    }
    return IsOwnV6(rules, ip.source) ? Verdict::kPass : Verdict::kSourceAddress;
}

// The caller knows that the packet holds a message of Neighbour Discovery.
Verdict JudgeNd(const NetRules& rules, const IpView& ip) {
    constexpr Verdict kDrop = Verdict::kNeighbourDiscovery;
    const std::optional<NdMessage> message = ParseNd(ip);
    if (!message) return kDrop;
    if (message->link_address && (!message->one_link_address || *message->link_address != rules.own_mac)) return kDrop;
    switch (message->type) {
        case IcmpV6::kRouterSolicitation:
            return Verdict::kPass;
        case IcmpV6::kNeighbourSolicitation:
            // From :: it asks whether an address is free: for somebody else's it would keep them from using it.
            return !ip.source.IsUnspecified() || IsOwnV6(rules, message->target) ? Verdict::kPass : kDrop;
        case IcmpV6::kNeighbourAdvertisement:
            return IsOwnV6(rules, message->target) ? Verdict::kPass : kDrop;
        default:
            return kDrop;
    }
}

Verdict JudgeIp(const NetRules& rules, const IpView& ip) {
    const bool v4 = ip.source.family == IpFamily::kV4;
    const Verdict source = v4 ? JudgeIpv4Source(rules, ip) : JudgeIpv6Source(rules, ip);
    if (source != Verdict::kPass) return source;
    const std::uint16_t server = v4 ? 67 : 547;
    if (!ip.later_fragment && ip.protocol == kProtocolUdp && ip.source_port == server) return Verdict::kDhcpServer;
    const std::optional<IcmpV6> type = IcmpV6TypeOf(ip);
    return type && IsNeighbourDiscovery(*type) ? JudgeNd(rules, ip) : Verdict::kPass;
}

}  // namespace

Verdict JudgeStrict(const NetRules& rules, const FrameView& frame) {
    using Kind = FrameView::Kind;
    if (frame.kind == Kind::kShort) return Verdict::kMalformed;
    if (frame.source != rules.own_mac) return Verdict::kSourceMac;
    switch (frame.kind) {
        case Kind::kArp:
            return JudgeArp(rules, frame.arp);
        case Kind::kIpv4:
        case Kind::kIpv6:
            return JudgeIp(rules, frame.ip);
        case Kind::kVlan:
            return Verdict::kVlan;
        case Kind::kOther:
            return Verdict::kEthertype;
        default:
            return Verdict::kMalformed;
    }
}

}  // namespace husk
