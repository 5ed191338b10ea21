#include "devices/virtio/net/net_header.h"

#include <algorithm>

namespace husk {
namespace {

constexpr std::size_t kChecksumBytes = 2;

bool MaySegment(const NetHeader& header, std::uint64_t features) {
    const bool offered = (header.gso_type == kNetGsoTcp4 && (features & kFeatureNetHostTso4) != 0) ||
                         (header.gso_type == kNetGsoTcp6 && (features & kFeatureNetHostTso6) != 0);
    // §5.1.6.2.1: segments need their checksums completed.
    return offered && header.gso_size > 0 && (header.flags & kNetNeedsCsum) != 0;
}

}  // namespace

bool SanitizeHeader(NetHeader& header, std::size_t frame_bytes, std::uint64_t features) {
    header.flags &= kNetNeedsCsum;
    header.num_buffers = 0;
    if ((header.flags & kNetNeedsCsum) != 0) {
        if ((features & kFeatureNetCsum) == 0) return false;
        const std::size_t end = std::size_t{header.csum_start} + header.csum_offset + kChecksumBytes;
        if (end > frame_bytes) return false;
    } else {
        header.csum_start = 0;
        header.csum_offset = 0;
    }
    if (header.gso_type == kNetGsoNone) {
        header.gso_size = 0;
    } else if (!MaySegment(header, features)) {
        return false;
    }
    header.hdr_len = static_cast<std::uint16_t>(std::min<std::size_t>(header.hdr_len, frame_bytes));
    return true;
}

}  // namespace husk
