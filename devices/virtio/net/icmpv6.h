// The ICMPv6 messages that make an IPv6 link work: Neighbour Discovery (RFC 4861, RFC 6980) and the group reports
// that let switches deliver it (MLD, RFC 2710 and RFC 3810). Parsing only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "devices/virtio/net/frame_view.h"
#include "devices/virtio/net/net_address.h"

namespace husk {

enum class IcmpV6 : std::uint8_t {
    kMldReport = 131,
    kMldDone = 132,
    kRouterSolicitation = 133,
    kRouterAdvertisement = 134,
    kNeighbourSolicitation = 135,
    kNeighbourAdvertisement = 136,
    kRedirect = 137,
    kMldReport2 = 143,
};

// The type of the ICMPv6 message in this packet; nothing when it has none, or is not its beginning.
[[nodiscard]] std::optional<IcmpV6> IcmpV6TypeOf(const IpView& ip);

[[nodiscard]] bool IsNeighbourDiscovery(IcmpV6 type);
// A group report of a host, to a group on its own link: nothing that a router would forward.
[[nodiscard]] bool IsGroupReport(const IpView& ip);

struct NdMessage {
    IcmpV6 type{};
    IpAddress target;  // of solicitations and advertisements of neighbours
    // What its options call the link-layer address; false below: they name several.
    std::optional<MacAddress> link_address;
    bool one_link_address = true;
};

// Nothing for a message that is not whole, or not to be believed: a receiver that follows RFC 4861 (hop limit 255,
// options that add up) and RFC 6980 (not in fragments) ignores those, and the others must not get them. `ip` holds a
// message of Neighbour Discovery.
[[nodiscard]] std::optional<NdMessage> ParseNd(const IpView& ip);

}  // namespace husk
