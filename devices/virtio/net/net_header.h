// What a guest says about a frame that it sends (Virtio 1.2 §5.1.6.2), checked before the host's kernel believes it.
// Pure.
#pragma once

#include <cstddef>
#include <cstdint>

#include "devices/virtio/net/net_config.h"

namespace husk {

// Whether a frame of `frame_bytes` (without the header) may be sent with this header, under the negotiated features.
// Makes the header say only what was checked: flags we do not know are dropped, hints that cannot be are bounded, and
// fields without a meaning are zero.
[[nodiscard]] bool SanitizeHeader(NetHeader& header, std::size_t frame_bytes, std::uint64_t features);

}  // namespace husk
