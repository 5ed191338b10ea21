#include "devices/virtio/net/isolation.h"

#include "devices/virtio/net/icmpv6.h"

namespace husk {

namespace {

// What is behind the message is free for the guest to fill: the smallest frame of Ethernet, and one message of ND with
// a nonce (RFC 7527) beside the link-layer address.
constexpr std::size_t kMaxArpFrame = 60;
constexpr std::size_t kMaxNdFrame = 94;
constexpr std::size_t kMaxReportFrame = 256;

bool FindsPeers(const FrameView& frame) {
    if (frame.kind == FrameView::Kind::kArp) return frame.length <= kMaxArpFrame;
    if (frame.kind != FrameView::Kind::kIpv6) return false;
    if (IsGroupReport(frame.ip)) return frame.length <= kMaxReportFrame;
    const std::optional<IcmpV6> type = IcmpV6TypeOf(frame.ip);
    const bool neighbours = type == IcmpV6::kNeighbourSolicitation || type == IcmpV6::kNeighbourAdvertisement;
    return neighbours && frame.length <= kMaxNdFrame && ParseNd(frame.ip).has_value();
}

}  // namespace

Verdict JudgeSentToPeers(const NetRules& rules, const FrameView& frame) {
    if (frame.kind == FrameView::Kind::kShort) return Verdict::kMalformed;
    const bool allowed = frame.destination.IsGroup() ? FindsPeers(frame) : rules.IsPeer(frame.destination);
    return allowed ? Verdict::kPass : Verdict::kPeer;
}

Verdict JudgeSentByPeers(const NetRules& rules, const FrameView& frame) {
    if (frame.kind == FrameView::Kind::kShort) return Verdict::kMalformed;
    const bool allowed = rules.IsPeer(frame.source) && (!frame.destination.IsGroup() || FindsPeers(frame));
    return allowed ? Verdict::kPass : Verdict::kPeer;
}

}  // namespace husk
