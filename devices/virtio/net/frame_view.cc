#include "devices/virtio/net/frame_view.h"

#include <algorithm>
#include <cstring>

namespace husk {

namespace {

constexpr std::uint16_t kTypeIpv4 = 0x0800;
constexpr std::uint16_t kTypeArp = 0x0806;
constexpr std::uint16_t kTypeIpv6 = 0x86dd;

constexpr std::size_t kArpBytes = 28;
constexpr std::size_t kIpv4MinBytes = 20;
constexpr std::size_t kUdpBytes = 8;
constexpr std::size_t kTcpBytes = 20;
constexpr std::size_t kIcmpV6Bytes = 4;

constexpr std::uint8_t kOptionEnd = 0;
constexpr std::uint8_t kOptionNothing = 1;
constexpr std::uint8_t kOptionLooseRoute = 131;
constexpr std::uint8_t kOptionStrictRoute = 137;

bool IsVlanType(std::uint16_t type) {
    return type == 0x8100 || type == 0x88a8 || type == 0x9100 || type == 0x9200 || type == 0x9300;
}

// `into` from `at` on: subspan() sees to it that all of it is there.
void CopyAt(std::span<const std::byte> bytes, std::size_t at, std::span<std::uint8_t> into) {
    std::memcpy(into.data(), bytes.subspan(at, into.size()).data(), into.size());
}

bool ParseArp(std::span<const std::byte> body, ArpView& arp) {
    if (body.size() < kArpBytes) return false;
    arp.for_ipv4_on_ethernet =
        WordAt(body, 0) == 1 && WordAt(body, 2) == kTypeIpv4 && ByteAt(body, 4) == 6 && ByteAt(body, 5) == 4;
    arp.operation = WordAt(body, 6);
    arp.sender_mac = MacAt(body, 8);
    arp.sender = Ipv4At(body, 14);
    return true;
}

// False: no list of options. What stands behind the end of the list is nobody's.
bool ParseIpv4Options(std::span<const std::byte> options, IpView& ip) {
    while (!options.empty()) {
        const std::uint8_t type = ByteAt(options, 0);
        if (type == kOptionEnd) return true;
        std::size_t size = 1;
        if (type != kOptionNothing) {
            if (options.size() < 2) return false;
            size = ByteAt(options, 1);
            if (size < 2 || size > options.size()) return false;
        }
        if (type == kOptionLooseRoute || type == kOptionStrictRoute) ip.source_routed = true;
        options = options.subspan(size);
    }
    return true;
}

FrameView::Kind ParseBody(std::uint16_t type, std::span<const std::byte> body, FrameView& frame) {
    using Kind = FrameView::Kind;
    const std::size_t length = frame.length - kEthernetHeaderBytes;
    if (type == kTypeArp) return ParseArp(body, frame.arp) ? Kind::kArp : Kind::kMalformed;
    if (type == kTypeIpv4) return ParseIpv4(body, length, frame.ip) ? Kind::kIpv4 : Kind::kMalformed;
    if (type == kTypeIpv6) return ParseIpv6(body, length, frame.ip) ? Kind::kIpv6 : Kind::kMalformed;
    return IsVlanType(type) ? Kind::kVlan : Kind::kOther;
}

}  // namespace

MacAddress MacAt(std::span<const std::byte> bytes, std::size_t at) {
    MacAddress mac;
    CopyAt(bytes, at, mac.bytes);
    return mac;
}
IpAddress Ipv4At(std::span<const std::byte> bytes, std::size_t at) {
    IpAddress address{IpFamily::kV4, {}};
    CopyAt(bytes, at, std::span(address.bytes).first<4>());
    return address;
}
IpAddress Ipv6At(std::span<const std::byte> bytes, std::size_t at) {
    IpAddress address{IpFamily::kV6, {}};
    CopyAt(bytes, at, address.bytes);
    return address;
}

bool ParseTransport(std::span<const std::byte> head, std::size_t length, IpView& ip) {
    ip.payload = head.first(std::min(head.size(), length));
    ip.payload_cut = length > head.size();
    // A first fragment without the whole header would leave the rest of it to a fragment that is not looked at.
    if (ip.protocol == kProtocolIcmpV6) return ip.payload.size() >= kIcmpV6Bytes;
    if (ip.protocol != kProtocolUdp && ip.protocol != kProtocolTcp) return true;
    if (ip.payload.size() < (ip.protocol == kProtocolUdp ? kUdpBytes : kTcpBytes)) return false;
    ip.source_port = WordAt(ip.payload, 0);
    ip.destination_port = WordAt(ip.payload, 2);
    return true;
}

bool ParseIpv4(std::span<const std::byte> head, std::size_t length, IpView& ip) {
    if (head.size() < kIpv4MinBytes || ByteAt(head, 0) >> 4 != 4) return false;
    const std::size_t header = (ByteAt(head, 0) & 0xfU) * 4U;
    const std::size_t total = WordAt(head, 2);
    if (header < kIpv4MinBytes || header > head.size() || total < header || total > length) return false;
    ip.source = Ipv4At(head, 12);
    ip.destination = Ipv4At(head, 16);
    ip.hop_limit = ByteAt(head, 8);
    ip.protocol = ByteAt(head, 9);
    if (!ParseIpv4Options(head.subspan(kIpv4MinBytes, header - kIpv4MinBytes), ip)) return false;
    const std::uint16_t fragment = WordAt(head, 6);
    ip.later_fragment = (fragment & 0x1fffU) != 0;
    ip.fragment = (fragment & 0x3fffU) != 0;
    return ip.later_fragment || ParseTransport(head.subspan(header), total - header, ip);
}

FrameView ParseFrame(std::span<const std::byte> head, std::size_t length) {
    head = head.first(std::min({head.size(), length, kFrameHeadBytes}));
    FrameView frame;
    frame.length = length;
    if (head.size() < kEthernetHeaderBytes) return frame;
    frame.destination = MacAt(head, 0);
    frame.source = MacAt(head, 6);
    frame.kind = ParseBody(WordAt(head, 12), head.subspan(kEthernetHeaderBytes), frame);
    return frame;
}

}  // namespace husk
