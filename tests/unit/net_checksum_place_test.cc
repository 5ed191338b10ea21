// Where the host may complete a guest's checksum: behind everything that the rules went by.
#include <gtest/gtest.h>

#include "devices/virtio/net/checksum_place.h"
#include "tests/support/frames.h"

namespace husk {
namespace {

using frames::Bytes;

constexpr std::uint16_t kTransportV4 = 34;
constexpr std::uint16_t kTransportV6 = 54;

Bytes Tcp4() { return frames::Ipv4{.protocol = kProtocolTcp}.Frame(); }
Bytes Udp4() { return frames::Ipv4{}.Frame(); }
Bytes Tcp6() { return frames::Ipv6{.next = kProtocolTcp}.Frame(); }

bool May(const Bytes& frame, std::uint16_t start, std::uint16_t offset) {
    const NetHeader header{.flags = kNetNeedsCsum, .csum_start = start, .csum_offset = offset};
    const auto head = std::as_bytes(std::span(frame)).first(std::min(frame.size(), kFrameHeadBytes));
    return ChecksumIsBehindWhatWasJudged(header, head, frame.size());
}

TEST(ChecksumPlace, WhereTcpAndUdpHaveTheirsIsFine) {
    EXPECT_TRUE(May(Tcp4(), kTransportV4, 16));
    EXPECT_TRUE(May(Udp4(), kTransportV4, 6));
    EXPECT_TRUE(May(Tcp6(), kTransportV6, 16));
}

// What a guest could turn into another one's frame after it was judged.
TEST(ChecksumPlace, NoByteOfAHeaderThatWasJudgedCanBeWritten) {
    for (std::uint16_t at = 0; at < kTransportV4 + 4; ++at) EXPECT_FALSE(May(Tcp4(), at, 0)) << at;
    for (std::uint16_t at = 0; at < kTransportV6 + 4; ++at) EXPECT_FALSE(May(Tcp6(), 0, at)) << at;
}

TEST(ChecksumPlace, ArpAndNeighbourDiscoveryHaveNone) {
    const Bytes arp = frames::Arp{}.Frame();
    for (std::uint16_t at = 0; at + 2u <= arp.size(); ++at) EXPECT_FALSE(May(arp, at, 0)) << at;
    const Bytes solicitation =
        frames::Ipv6{.next = kProtocolIcmpV6, .payload = frames::Nd(135, frames::kOtherV6)}.Frame();
    for (std::uint16_t at = 0; at + 2u <= solicitation.size(); ++at) EXPECT_FALSE(May(solicitation, at, 0)) << at;
}

TEST(ChecksumPlace, FragmentsHaveTheirs) {
    EXPECT_FALSE(May(frames::Ipv4{.protocol = kProtocolTcp, .fragment = 0x2000}.Frame(), kTransportV4, 16));
    EXPECT_FALSE(May(frames::Ipv4{.protocol = kProtocolTcp, .fragment = 3}.Frame(), kTransportV4, 16));
}

TEST(ChecksumPlace, SegmentsAreOfTheKindThatIsNamed) {
    const auto of = [](const Bytes& frame, std::uint8_t type) {
        const NetHeader header{.flags = kNetNeedsCsum, .gso_type = type, .gso_size = 1000};
        return SegmentsAreOfItsKind(header, std::as_bytes(std::span(frame)), frame.size());
    };
    EXPECT_TRUE(of(Tcp4(), kNetGsoTcp4));
    EXPECT_TRUE(of(Tcp6(), kNetGsoTcp6));
    EXPECT_TRUE(of(Udp4(), kNetGsoNone));
    EXPECT_FALSE(of(Tcp4(), kNetGsoTcp6));
    EXPECT_FALSE(of(Tcp6(), kNetGsoTcp4));
    EXPECT_FALSE(of(Udp4(), kNetGsoTcp4));
}

}  // namespace
}  // namespace husk
