// Whoever sends a frame for the guest may have to complete its checksum (Virtio 1.2 §5.1.6.2): two bytes are written at
// a place that the guest chose, after its frame was judged, and their value can be steered. So that place must lie
// behind everything that a judgement went by.
#pragma once

#include <cstddef>
#include <span>

#include "devices/virtio/net/frame_view.h"
#include "devices/virtio/net/net_config.h"

namespace husk {

// `header` asks for it, and was sanitised; `head` and `length`: as FrameFilter's.
[[nodiscard]] inline bool ChecksumIsBehindWhatWasJudged(const NetHeader& header, std::span<const std::byte> head,
                                                        std::size_t length) {
    constexpr std::size_t kPorts = 4;
    const FrameView frame = ParseFrame(head, length);
    // No sender asks for it elsewhere: a fragment's is complete, and so is that of neighbour discovery.
    if (!frame.IsIp() || frame.ip.fragment || frame.ip.later_fragment || frame.ip.protocol == kProtocolIcmpV6)
        return false;
    if (frame.ip.payload.empty()) return false;
    const auto transport = static_cast<std::size_t>(frame.ip.payload.data() - head.data());
    const bool has_ports = frame.ip.protocol == kProtocolTcp || frame.ip.protocol == kProtocolUdp;
    return std::size_t{header.csum_start} + header.csum_offset >= transport + (has_ports ? kPorts : 0);
}

// Segments are made by whoever sends the frame, from headers of the kind that the guest named.
[[nodiscard]] inline bool SegmentsAreOfItsKind(const NetHeader& header, std::span<const std::byte> head,
                                               std::size_t length) {
    if (header.gso_type == kNetGsoNone) return true;
    const FrameView frame = ParseFrame(head, length);
    const auto kind = header.gso_type == kNetGsoTcp4 ? FrameView::Kind::kIpv4 : FrameView::Kind::kIpv6;
    return frame.kind == kind && frame.ip.protocol == kProtocolTcp;
}

}  // namespace husk
