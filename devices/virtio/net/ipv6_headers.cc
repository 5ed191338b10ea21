// The header chain of an IPv6 packet (RFC 8200 §4). A guest may put anything in any order there to hide what it sends,
// so the walk is bounded, and a chain that cannot be followed to its end makes the packet malformed.
#include "devices/virtio/net/frame_view.h"

namespace husk {

namespace {

constexpr std::size_t kIpv6Bytes = 40;
constexpr int kMaxExtensions = 8;

constexpr std::uint8_t kHopByHop = 0;
constexpr std::uint8_t kRouting = 43;
constexpr std::uint8_t kFragment = 44;
constexpr std::uint8_t kAuthentication = 51;
constexpr std::uint8_t kDestinationOptions = 60;

bool IsExtension(std::uint8_t header) {
    return header == kHopByHop || header == kRouting || header == kFragment || header == kAuthentication ||
           header == kDestinationOptions;
}

std::size_t ExtensionBytes(std::uint8_t header, std::uint8_t length_field) {
    if (header == kFragment) return 8;
    if (header == kAuthentication) return (length_field + 2U) * 4U;  // RFC 4302 §2.2
    return (length_field + 1U) * 8U;
}

}  // namespace

bool ParseIpv6(std::span<const std::byte> head, std::size_t length, IpView& ip) {
    if (head.size() < kIpv6Bytes || ByteAt(head, 0) >> 4 != 6) return false;
    std::size_t left = WordAt(head, 4);
    if (left > length - kIpv6Bytes) return false;
    ip.source = Ipv6At(head, 8);
    ip.destination = Ipv6At(head, 24);
    ip.hop_limit = ByteAt(head, 7);
    ip.protocol = ByteAt(head, 6);

    std::span<const std::byte> rest = head.subspan(kIpv6Bytes);
    for (int count = 0; IsExtension(ip.protocol); ++count) {
        if (count == kMaxExtensions || rest.size() < 8) return false;
        const std::size_t size = ExtensionBytes(ip.protocol, ByteAt(rest, 1));
        // Outside of what we see, or behind the packet (jumbograms, RFC 2675, say that their length is 0: no card of
        // ours carries one).
        if (size > rest.size() || size > left) return false;
        if (ip.protocol == kRouting) ip.source_routed = true;
        if (ip.protocol == kFragment) {
            ip.fragment = true;
            ip.later_fragment = (WordAt(rest, 2) & 0xfff8U) != 0;
        }
        ip.protocol = ByteAt(rest, 0);
        rest = rest.subspan(size);
        left -= size;
        // Of a later fragment the receiver ignores the next-header field, and what follows is the middle of something.
        if (ip.later_fragment) return true;
    }
    return ParseTransport(rest, left, ip);
}

}  // namespace husk
