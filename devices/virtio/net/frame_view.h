// FrameView: what the first bytes of an Ethernet frame say, as plain values. Parsing only; what may pass is
// FrameFilter's to say. Every byte is the guest's (or a stranger's) and may lie: nothing here reads behind the bytes
// given or believes a length that does not fit.
//
// IEEE 802.3; RFC 826 (ARP); RFC 791 (IPv4); RFC 8200 and RFC 7112 (IPv6 and its header chain).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "devices/virtio/net/net_address.h"

namespace husk {

inline constexpr std::size_t kFrameHeadBytes = 256;  // as much of a frame as is ever looked at
inline constexpr std::size_t kEthernetHeaderBytes = 14;

inline constexpr std::uint8_t kProtocolIcmp = 1;
inline constexpr std::uint8_t kProtocolIgmp = 2;
inline constexpr std::uint8_t kProtocolTcp = 6;
inline constexpr std::uint8_t kProtocolUdp = 17;
inline constexpr std::uint8_t kProtocolIcmpV6 = 58;

struct ArpView {
    bool for_ipv4_on_ethernet = false;  // the types and lengths are; else nothing below means anything
    std::uint16_t operation = 0;        // 1: request, 2: reply
    MacAddress sender_mac;
    IpAddress sender;
};

struct IpView {
    IpAddress source;
    IpAddress destination;
    std::uint8_t hop_limit = 0;
    bool source_routed = false;     // an IPv4 source-route option or an IPv6 routing header
    bool fragment = false;          // of more than one, or an IPv6 packet that says it might be (RFC 6946)
    bool later_fragment = false;    // without the headers: the fields below mean nothing
    std::uint8_t protocol = 0;      // behind all extension headers
    std::uint16_t source_port = 0;  // UDP's and TCP's
    std::uint16_t destination_port = 0;
    std::span<const std::byte> payload;  // `protocol`'s header and on, as far as the head of the frame goes
    bool payload_cut = false;            // there is more of it in the frame

    [[nodiscard]] bool IsUdp(std::uint16_t from, std::uint16_t to) const {
        return protocol == kProtocolUdp && !later_fragment && source_port == from && destination_port == to;
    }
};

struct FrameView {
    enum class Kind {
        kShort,      // less than an Ethernet header: nothing else is filled in
        kArp,        // `arp` is
        kIpv4,       // `ip` is
        kIpv6,       // `ip` is
        kVlan,       // tagged (IEEE 802.1Q, 802.1ad and their forerunners)
        kOther,      // any other type, or a length (LLC: spanning tree and the like)
        kMalformed,  // ARP, IPv4 or IPv6 that is no such thing, or whose headers do not fit into what may be looked at
    };
    Kind kind = Kind::kShort;
    MacAddress destination;
    MacAddress source;
    std::size_t length = 0;  // of the whole frame
    ArpView arp;
    IpView ip;

    [[nodiscard]] bool IsIp() const { return kind == Kind::kIpv4 || kind == Kind::kIpv6; }
};

// `head`: the frame's first min(length, kFrameHeadBytes) bytes, a copy that nobody else writes; the view points into
// it.
[[nodiscard]] FrameView ParseFrame(std::span<const std::byte> head, std::size_t length);

// The two below are ParseFrame's: a packet of `length` bytes of which `head` is at hand. False: malformed.
[[nodiscard]] bool ParseIpv4(std::span<const std::byte> head, std::size_t length, IpView& ip);
[[nodiscard]] bool ParseIpv6(std::span<const std::byte> head, std::size_t length, IpView& ip);
// Fills in the payload and the ports: `head` starts at the header of `ip.protocol`, `length` bytes long in the packet.
[[nodiscard]] bool ParseTransport(std::span<const std::byte> head, std::size_t length, IpView& ip);

[[nodiscard]] inline std::uint8_t ByteAt(std::span<const std::byte> bytes, std::size_t at) {
    return std::to_integer<std::uint8_t>(bytes[at]);
}
// Network order.
[[nodiscard]] inline std::uint16_t WordAt(std::span<const std::byte> bytes, std::size_t at) {
    return static_cast<std::uint16_t>(ByteAt(bytes, at) << 8 | ByteAt(bytes, at + 1));
}
// At least 6, 4 and 16 bytes.
[[nodiscard]] MacAddress MacAt(std::span<const std::byte> bytes, std::size_t at);
[[nodiscard]] IpAddress Ipv4At(std::span<const std::byte> bytes, std::size_t at);
[[nodiscard]] IpAddress Ipv6At(std::span<const std::byte> bytes, std::size_t at);

}  // namespace husk
