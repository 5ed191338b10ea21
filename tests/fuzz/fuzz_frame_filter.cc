// Any frame under any of a few rule sets. What passes is held against a second reading of the RFCs, a receiver's: it
// follows the headers without limits, and believes what a careless host would.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "tests/support/frames.h"

namespace {

using namespace husk;
using namespace husk::frames;

void Check(bool holds) {
    if (!holds) std::abort();
}

// From here on nothing of the filter's own is used but the verdict.
using View = std::span<const std::uint8_t>;

bool Same(View bytes, std::size_t at, View other) {
    return at + other.size() <= bytes.size() && std::ranges::equal(bytes.subspan(at, other.size()), other);
}
bool IsZero(View bytes, std::size_t at, std::size_t count) {
    return std::ranges::all_of(bytes.subspan(at, count), [](std::uint8_t byte) { return byte == 0; });
}
unsigned Word(View bytes, std::size_t at) { return bytes[at] * 256u + bytes[at + 1]; }

constexpr std::array<std::uint8_t, 6> kMac{0x52, 0x54, 0x00, 0x12, 0x34, 0x56};
constexpr std::array<std::uint8_t, 6> kPeer{0x52, 0x54, 0x00, 0xaa, 0xbb, 0xcc};
constexpr std::array<std::uint8_t, 4> kV4{10, 0, 0, 5};
constexpr std::array<std::uint8_t, 16> kV6{0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5};
constexpr std::array<std::uint8_t, 16> kLinkLocal{0xfe, 0x80, 0,    0,    0,    0,    0,    0,
                                                  0x50, 0x54, 0x00, 0xff, 0xfe, 0x12, 0x34, 0x56};

bool IsOwnV6(View frame, std::size_t at) { return Same(frame, at, kV6) || Same(frame, at, kLinkLocal); }

void CheckArp(View frame, bool lists) {
    Check(frame.size() >= 42 && Word(frame, 14) == 1 && Word(frame, 16) == 0x0800);
    const unsigned operation = Word(frame, 20);
    Check(operation == 1 || operation == 2);
    Check(Same(frame, 22, kMac));
    Check(!lists || Same(frame, 28, kV4) || (operation == 1 && IsZero(frame, 28, 4)));
}

void CheckIpv4(View frame, bool lists) {
    Check(frame.size() >= 34);
    const std::size_t header = 14 + (frame[14] & 15u) * 4u;
    const bool begins = (Word(frame, 20) & 0x1fff) == 0;
    const bool udp = frame[23] == 17 && begins && frame.size() >= header + 8;
    Check(!udp || Word(frame, header) != 67);
    const bool asks_dhcp = udp && IsZero(frame, 26, 4) && Word(frame, header) == 68 && Word(frame, header + 2) == 67;
    Check(!lists || Same(frame, 26, kV4) || asks_dhcp);
}

// What a host learns from the message of ICMPv6 at `at`: it must be true.
void CheckIcmp(View frame, std::size_t at, bool lists) {
    if (at >= frame.size()) return;
    const std::uint8_t type = frame[at];
    Check(type != 134 && type != 137);
    if (type != 135 && type != 136) return;
    Check(frame.size() >= at + 24);
    if (type == 136) Check(!lists || IsOwnV6(frame, at + 8));
    if (type == 135 && IsZero(frame, 22, 16)) Check(!lists || IsOwnV6(frame, at + 8));
    const std::size_t end = std::min<std::size_t>(frame.size(), 54 + Word(frame, 18));
    for (std::size_t option = at + 24; option + 8 <= end && frame[option + 1] != 0; option += frame[option + 1] * 8u) {
        if (frame[option] == 1 || frame[option] == 2) Check(Same(frame, option + 2, kMac));
    }
}

void FollowIpv6(View frame, std::uint8_t header, std::size_t at, bool lists) {
    if (header == 58) return CheckIcmp(frame, at, lists);
    if (header == 17 && at + 8 <= frame.size()) Check(Word(frame, at) != 547);
    if (at + 8 > frame.size()) return;
    if (header == 0 || header == 43 || header == 60) {
        return FollowIpv6(frame, frame[at], at + (frame[at + 1] + 1u) * 8u, lists);
    }
    if (header == 51) return FollowIpv6(frame, frame[at], at + (frame[at + 1] + 2u) * 4u, lists);
    if (header == 44 && (Word(frame, at + 2) & 0xfff8) == 0) return FollowIpv6(frame, frame[at], at + 8, lists);
}

void CheckIpv6(View frame, bool lists) {
    Check(frame.size() >= 54);
    Check(frame[22] != 0xff);
    Check(!lists || IsOwnV6(frame, 22) || IsZero(frame, 22, 16));
    FollowIpv6(frame, frame[20], 54, lists);
}

void CheckStrict(View frame, bool lists) {
    Check(frame.size() >= 14 && Same(frame, 6, kMac));
    const unsigned type = Word(frame, 12);
    Check(type == 0x0806 || type == 0x0800 || type == 0x86dd);
    if (type == 0x0806) CheckArp(frame, lists);
    if (type == 0x0800) CheckIpv4(frame, lists);
    if (type == 0x86dd) CheckIpv6(frame, lists);
}

void CheckIsolated(View frame) {
    Check(frame.size() >= 14);
    const unsigned type = Word(frame, 12);
    const bool to_all = (frame[0] & 1) != 0 && (type == 0x0806 || type == 0x86dd) && frame.size() <= 256;
    Check(Same(frame, 0, kPeer) || to_all);
}

// Everything is denied.
void CheckDenied(View frame) {
    const unsigned type = Word(frame, 12);
    constexpr std::array<std::uint8_t, 4> kBroadcastV4{255, 255, 255, 255};
    if (type == 0x0800) return Check((frame[30] >= 224 && frame[30] < 240) || Same(frame, 30, kBroadcastV4));
    if (type == 0x86dd) return Check(frame[38] == 0xff || (frame[38] == 0xfe && (frame[39] & 0xc0) == 0x80));
    Check(type == 0x0806);
}

// 10.0.0.0/8 is denied, but for DNS at 10.0.0.53.
void CheckTenDenied(View frame) {
    constexpr std::array<std::uint8_t, 12> kNat64{0, 0x64, 0xff, 0x9b};
    constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    const unsigned type = Word(frame, 12);
    Check(type == 0x0806 || type == 0x0800 || type == 0x86dd);
    if (type == 0x86dd) {
        Check(!IsZero(frame, 38, 16) && !Same(frame, 38, kMapped));
        Check(frame[20] != 43 && !(Same(frame, 38, kNat64) && frame[50] == 10));
    }
    if (type != 0x0800) return;
    Check(!IsZero(frame, 30, 4));
    if (frame[30] != 10) return;
    const std::size_t header = 14 + (frame[14] & 15u) * 4u;
    Check(IsZero(frame, 31, 2) && frame[33] == 53 && (Word(frame, 20) & 0x3fff) == 0);
    Check((frame[23] == 17 || frame[23] == 6) && Word(frame, header + 2) == 53);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::uint8_t choice = data[0];
    const bool strict = (choice & 1) != 0;
    const bool lists = (choice & 2) != 0;
    const bool isolated = (choice & 4) != 0;
    const bool denied = (choice & 8) != 0;
    const bool ten_denied = (choice & 16) != 0;
    NetRules rules = lists ? StrictRules() : MacOnlyRules();
    rules.strict = strict ? 1 : 0;
    rules.isolated = isolated ? 1 : 0;
    rules.peers[0] = kOtherMac;
    rules.peer_count = 1;
    rules.egress_default = denied ? Egress::kDeny : Egress::kAllow;
    if (ten_denied) {
        rules.egress[0] = {Egress::kDeny, {IpAddress::V4(10, 0, 0, 0), 8}};
        rules.egress_count = 1;
        rules.dns = IpAddress::V4(10, 0, 0, 53);
    }

    // A copy of exactly this size: what lies behind must not be read.
    const Bytes frame(data + 1, data + size);
    if (Send(rules, frame) == Verdict::kPass) {
        if (strict) CheckStrict(frame, lists);
        if (isolated) CheckIsolated(frame);
        if (denied && !ten_denied) CheckDenied(frame);
        if (ten_denied) CheckTenDenied(frame);
    }
    if (Receive(rules, frame) == Verdict::kPass && isolated) Check(Same(frame, 6, kPeer));
    return 0;
}
