#include "devices/virtio/net/icmpv6.h"

namespace husk {

namespace {

constexpr std::uint8_t kSourceLinkAddress = 1;
constexpr std::uint8_t kTargetLinkAddress = 2;
constexpr std::uint8_t kOnThisLink = 255;  // the hop limit of what no router has forwarded

// RFC 4861 §4.1 to §4.5: how much stands before the options.
std::size_t FixedBytes(IcmpV6 type) {
    switch (type) {
        case IcmpV6::kRouterSolicitation:
            return 8;
        case IcmpV6::kRouterAdvertisement:
            return 16;
        case IcmpV6::kRedirect:
            return 40;
        default:
            return 24;
    }
}

// False: a list that does not add up.
bool ParseOptions(std::span<const std::byte> options, NdMessage& message) {
    while (!options.empty()) {
        if (options.size() < 2) return false;
        const std::size_t size = ByteAt(options, 1) * 8U;
        if (size == 0 || size > options.size()) return false;
        const std::uint8_t kind = ByteAt(options, 0);
        if (kind == kSourceLinkAddress || kind == kTargetLinkAddress) {
            if (size != 8) return false;  // of Ethernet (RFC 2464 §6)
            const MacAddress mac = MacAt(options, 2);
            if (message.link_address && *message.link_address != mac) message.one_link_address = false;
            message.link_address = mac;
        }
        options = options.subspan(size);
    }
    return true;
}

}  // namespace

std::optional<IcmpV6> IcmpV6TypeOf(const IpView& ip) {
    const bool here = ip.source.family == IpFamily::kV6 && ip.protocol == kProtocolIcmpV6 && !ip.later_fragment;
    if (!here || ip.payload.empty()) return std::nullopt;
    return IcmpV6{ByteAt(ip.payload, 0)};
}

bool IsNeighbourDiscovery(IcmpV6 type) { return type >= IcmpV6::kRouterSolicitation && type <= IcmpV6::kRedirect; }

bool IsGroupReport(const IpView& ip) {
    const std::optional<IcmpV6> type = IcmpV6TypeOf(ip);
    const bool report = type == IcmpV6::kMldReport || type == IcmpV6::kMldDone || type == IcmpV6::kMldReport2;
    return report && !ip.fragment && ip.hop_limit == 1 && ip.destination.IsMulticast();
}

std::optional<NdMessage> ParseNd(const IpView& ip) {
    NdMessage message{.type = IcmpV6TypeOf(ip).value_or(IcmpV6{}), .target = {}, .link_address = {}};
    const std::size_t fixed = FixedBytes(message.type);
    if (ip.fragment || ip.hop_limit != kOnThisLink || ip.payload_cut || ip.payload.size() < fixed) return std::nullopt;
    if (ByteAt(ip.payload, 1) != 0) return std::nullopt;  // the code
    if (fixed == 24) message.target = Ipv6At(ip.payload, 8);
    if (!ParseOptions(ip.payload.subspan(fixed), message)) return std::nullopt;
    return message;
}

}  // namespace husk
