// Frames cut short or padded at every length: nothing is read behind them, and no lie becomes a truth by it.
#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "tests/support/frames.h"

namespace husk {
namespace {

using namespace frames;

constexpr IpAddress kOwnLinkLocal = IpAddress::LinkLocalOf(kOwnMac);

// The first `bytes` of a frame as a frame of their own, with nothing behind them that could be read: the standard
// library's checks and the sanitizers see to that.
Verdict SendFirst(const NetRules& rules, const Bytes& frame, std::size_t bytes) {
    const Bytes cut(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(bytes));
    return Send(rules, cut);
}
// The same, of a frame that is said to go on.
Verdict SendHead(const NetRules& rules, const Bytes& frame, std::size_t bytes) {
    const Bytes cut(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(bytes));
    return FrameFilter(rules).FromGuest(std::as_bytes(std::span(cut)), frame.size());
}

std::vector<Bytes> SpoofedFrames() {
    const Bytes advertisement = Nd(136, kOtherV6, 2);
    const Bytes foreign_mac = Nd(136, kOwnV6, 2, kOtherMac);
    return {
        Ethernet(0x0800, Bytes(60), kOtherMac, kOtherMac),
        Ethernet(0x8100, Ipv4{}.Frame()),
        Arp{.sender_mac = kOtherMac}.Frame(),
        Arp{.operation = 2, .sender = kOtherV4}.Frame(),
        Ipv4{.source = kOtherV4}.Frame(),
        Ipv4{.source = kOtherV4, .fragment = 0x2001}.Frame(),
        Ipv4{.source = kOtherV4, .options = Bytes(40, 1)}.Frame(),
        Ipv4{.payload = Ports(67, 68)}.Frame(),
        Ipv6{.source = kOtherV6}.Frame(),
        Ipv6{.payload = Ports(547, 546)}.Frame(),
        Ipv6{.next = 58, .payload = advertisement}.Frame(),
        Ipv6{.next = 58, .payload = foreign_mac}.Frame(),
        Ipv6{.next = 0, .payload = Behind(60, Behind(58, advertisement, 24))}.Frame(),
        Ipv6{.next = 60, .payload = Behind(44, InFragment(58, 0, foreign_mac))}.Frame(),
        Ipv6{.source = kOwnLinkLocal, .next = 58, .payload = Nd(134, kZeroV6)}.Frame(),
        Ipv6{.source = kOwnLinkLocal, .next = 58, .payload = Bytes(40, 137)}.Frame(),
        Ipv6{.source = kZeroV6, .next = 58, .payload = Nd(135, kOtherV6)}.Frame(),
    };
}
std::vector<Bytes> HonestFrames() {
    return {
        Arp{}.Frame(),
        Ipv4{}.Frame(),
        Ipv4{.protocol = kProtocolTcp, .options = Bytes(8, 1)}.Frame(),
        Ipv6{}.Frame(),
        Ipv6{.next = 0, .payload = Behind(60, Behind(58, Nd(136, kOwnV6, 2), 24))}.Frame(),
        Ipv6{.next = 44, .payload = InFragment(kProtocolUdp, 1, Ports(1, 2))}.Frame(),
    };
}

TEST(NetFilterTruncated, SpoofedFramesPassAtNoLength) {
    for (const Bytes& frame : SpoofedFrames()) {
        for (std::size_t bytes = 0; bytes <= frame.size(); ++bytes) {
            EXPECT_NE(SendFirst(StrictRules(), frame, bytes), Verdict::kPass) << bytes;
            EXPECT_NE(SendHead(StrictRules(), frame, bytes), Verdict::kPass) << bytes;
        }
    }
}

TEST(NetFilterTruncated, SpoofedFramesPassWithNoPadding) {
    for (Bytes frame : SpoofedFrames()) {
        for (int more = 0; more < 300; ++more) {
            frame.push_back(0);
            EXPECT_NE(Send(StrictRules(), frame), Verdict::kPass) << frame.size();
        }
    }
}

TEST(NetFilterTruncated, HonestFramesPassWholeOnly) {
    for (const Bytes& frame : HonestFrames()) {
        EXPECT_EQ(Send(StrictRules(), frame), Verdict::kPass);
        for (std::size_t bytes = 0; bytes < frame.size(); ++bytes) {
            EXPECT_NE(SendFirst(StrictRules(), frame, bytes), Verdict::kPass) << bytes;
        }
    }
}

TEST(NetFilterTruncated, SpoofedSourcesStaySpoofedWhateverElseChanges) {
    std::mt19937 random(1);
    NetRules rules = StrictRules();
    for (int round = 0; round < 20'000; ++round) {
        Bytes arp = Arp{.sender_mac = kOtherMac}.Frame();
        Bytes v4 = Ipv4{.source = kOtherV4}.Frame();
        Bytes v6 = Ipv6{.source = kOtherV6}.Frame();
        const std::uint8_t value = static_cast<std::uint8_t>(random());
        // Whatever is not the address itself, its kind included.
        arp[random() % 2 == 0 ? random() % 12 : 12 + random() % 10] = value;
        v4[random() % 2 == 0 ? random() % 26 : 30 + random() % (v4.size() - 30)] = value;
        v6[random() % 2 == 0 ? random() % 22 : 38 + random() % (v6.size() - 38)] = value;
        ASSERT_NE(Send(rules, arp), Verdict::kPass);
        ASSERT_NE(Send(rules, v4), Verdict::kPass);
        ASSERT_NE(Send(rules, v6), Verdict::kPass);
    }
}

}  // namespace
}  // namespace husk
