// Frames as guests send them, built field by field so that a test can make one of them a lie.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "devices/virtio/net/frame_filter.h"
#include "devices/virtio/net/frame_view.h"
#include "devices/virtio/net/net_address.h"

namespace husk::frames {

using Bytes = std::vector<std::uint8_t>;

inline constexpr MacAddress kOwnMac{{0x52, 0x54, 0x00, 0x12, 0x34, 0x56}};
inline constexpr MacAddress kOtherMac{{0x52, 0x54, 0x00, 0xaa, 0xbb, 0xcc}};
inline constexpr MacAddress kBroadcast{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
inline constexpr MacAddress kGroupMac{{0x33, 0x33, 0x00, 0x00, 0x00, 0x01}};

inline constexpr IpAddress kOwnV4 = IpAddress::V4(10, 0, 0, 5);
inline constexpr IpAddress kOtherV4 = IpAddress::V4(10, 0, 0, 6);
inline constexpr IpAddress kZeroV4 = IpAddress::V4(0, 0, 0, 0);
inline constexpr IpAddress kOwnV6 = IpAddress::V6({0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5});
inline constexpr IpAddress kOtherV6 = IpAddress::V6({0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6});
inline constexpr IpAddress kZeroV6 = IpAddress::V6({});
inline constexpr IpAddress kAllNodes = IpAddress::V6({0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});

inline void Put16(Bytes& bytes, std::size_t value) {
    bytes.push_back(static_cast<std::uint8_t>(value >> 8));
    bytes.push_back(static_cast<std::uint8_t>(value));
}
inline void Put(Bytes& bytes, const MacAddress& mac) { bytes.insert(bytes.end(), mac.bytes.begin(), mac.bytes.end()); }
inline void Put(Bytes& bytes, const IpAddress& ip) {
    bytes.insert(bytes.end(), ip.bytes.begin(), ip.bytes.begin() + ip.Bits() / 8);
}
inline void Put(Bytes& bytes, const Bytes& more) { bytes.insert(bytes.end(), more.begin(), more.end()); }

inline Bytes Ethernet(std::uint16_t type, const Bytes& body, const MacAddress& to = kOtherMac,
                      const MacAddress& from = kOwnMac) {
    Bytes frame;
    Put(frame, to);
    Put(frame, from);
    Put16(frame, type);
    Put(frame, body);
    return frame;
}

struct Arp {
    std::uint16_t hardware = 1;
    std::uint16_t protocol = 0x0800;
    std::uint8_t hardware_bytes = 6;
    std::uint8_t protocol_bytes = 4;
    std::uint16_t operation = 1;
    MacAddress sender_mac = kOwnMac;
    IpAddress sender = kOwnV4;
    MacAddress to = kBroadcast;

    [[nodiscard]] Bytes Frame() const {
        Bytes body;
        Put16(body, hardware);
        Put16(body, protocol);
        body.push_back(hardware_bytes);
        body.push_back(protocol_bytes);
        Put16(body, operation);
        Put(body, sender_mac);
        Put(body, sender);
        Put(body, MacAddress{});
        Put(body, kOtherV4);
        return Ethernet(0x0806, body, to);
    }
};

// A header of UDP, or the ports of TCP's with enough behind them to be one.
inline Bytes Ports(std::uint16_t from, std::uint16_t to, std::size_t bytes = 24) {
    Bytes header;
    Put16(header, from);
    Put16(header, to);
    header.resize(bytes);
    return header;
}

struct Ipv4 {
    IpAddress source = kOwnV4;
    IpAddress destination = kOtherV4;
    std::uint8_t protocol = kProtocolUdp;
    std::uint8_t ttl = 64;
    std::uint16_t fragment = 0;  // flags and offset, as in the header
    Bytes options = {};          // whole words
    Bytes payload = Ports(40000, 40001);
    MacAddress to = kOtherMac;

    [[nodiscard]] Bytes Frame() const {
        const std::size_t header = 20 + options.size();
        Bytes body{static_cast<std::uint8_t>(0x40 | header / 4), 0};
        Put16(body, header + payload.size());
        Put16(body, 1);
        Put16(body, fragment);
        body.push_back(ttl);
        body.push_back(protocol);
        Put16(body, 0);
        Put(body, source);
        Put(body, destination);
        Put(body, options);
        Put(body, payload);
        return Ethernet(0x0800, body, to);
    }
};

struct Ipv6 {
    IpAddress source = kOwnV6;
    IpAddress destination = kOtherV6;
    std::uint8_t next = kProtocolUdp;  // the first header's
    std::uint8_t hop_limit = 255;
    Bytes payload = Ports(40000, 40001);
    MacAddress to = kOtherMac;

    [[nodiscard]] Bytes Frame() const {
        Bytes body{0x60, 0, 0, 0};
        Put16(body, payload.size());
        body.push_back(next);
        body.push_back(hop_limit);
        Put(body, source);
        Put(body, destination);
        Put(body, payload);
        return Ethernet(0x86dd, body, to);
    }
};

// `header`, behind an extension header of `bytes` bytes that says that `next` follows.
inline Bytes Behind(std::uint8_t next, const Bytes& header, std::size_t bytes = 8) {
    Bytes chain{next, static_cast<std::uint8_t>(bytes / 8 - 1)};
    chain.resize(bytes);
    Put(chain, header);
    return chain;
}
// `header`, behind a fragment header.
inline Bytes InFragment(std::uint8_t next, std::size_t offset_and_more, const Bytes& header) {
    Bytes chain{next, 0};
    Put16(chain, offset_and_more);
    chain.resize(8);
    Put(chain, header);
    return chain;
}

// A message of Neighbour Discovery; `option` 0 leaves the link-layer address out.
inline Bytes Nd(std::uint8_t type, const IpAddress& target, std::uint8_t option = 0, const MacAddress& mac = kOwnMac) {
    Bytes message{type, 0, 0, 0, 0, 0, 0, 0};
    Put(message, target);
    if (option != 0) {
        message.push_back(option);
        message.push_back(1);
        Put(message, mac);
    }
    return message;
}

inline Verdict Send(const NetRules& rules, const Bytes& frame) {
    const auto head = std::as_bytes(std::span(frame)).first(std::min(frame.size(), kFrameHeadBytes));
    return FrameFilter(rules).FromGuest(head, frame.size());
}
inline Verdict Receive(const NetRules& rules, const Bytes& frame) {
    const auto head = std::as_bytes(std::span(frame)).first(std::min(frame.size(), kFrameHeadBytes));
    return FrameFilter(rules).ToGuest(head, frame.size());
}

// filter=strict with ip= for both families.
inline NetRules StrictRules() {
    NetRules rules;
    rules.own_mac = kOwnMac;
    rules.addresses[0] = IpPrefix::Only(kOwnV4);
    rules.addresses[1] = IpPrefix::Only(kOwnV6);
    rules.address_count = 2;
    return rules;
}
// filter=strict without any.
inline NetRules MacOnlyRules() {
    NetRules rules;
    rules.own_mac = kOwnMac;
    return rules;
}

}  // namespace husk::frames
