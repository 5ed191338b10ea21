// Verdict: what becomes of a frame, and why. The reasons are counted, and shown by name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace husk {

enum class Verdict : std::uint8_t {
    kPass,
    kSourceMac,           // not sent by the card's own MAC address
    kArp,                 // ARP of another kind, or that speaks for somebody else
    kNeighbourDiscovery,  // IPv6 ND likewise; router advertisements and redirects
    kSourceAddress,       // an IP source that is not the guest's
    kDhcpServer,          // an answer of a DHCP server
    kEthertype,           // neither ARP nor IPv4 nor IPv6
    kVlan,                // a tag, behind which anything may hide
    kPeer,                // from or to somebody else than the listed peers
    kEgress,              // a destination that the egress rules deny
    kMalformed,           // cannot be followed, so cannot be judged
};
inline constexpr std::size_t kVerdicts = 11;

[[nodiscard]] constexpr std::string_view NameOf(Verdict verdict) {
    switch (verdict) {
        case Verdict::kPass:
            return "pass";
        case Verdict::kSourceMac:
            return "source_mac";
        case Verdict::kArp:
            return "arp";
        case Verdict::kNeighbourDiscovery:
            return "neighbour_discovery";
        case Verdict::kSourceAddress:
            return "source_address";
        case Verdict::kDhcpServer:
            return "dhcp_server";
        case Verdict::kEthertype:
            return "ethertype";
        case Verdict::kVlan:
            return "vlan";
        case Verdict::kPeer:
            return "peer";
        case Verdict::kEgress:
            return "egress";
        case Verdict::kMalformed:
            return "malformed";
    }
    return "unknown";
}

}  // namespace husk
