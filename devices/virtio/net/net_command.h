// What a driver asks through the control queue (Virtio 1.2 §5.1.6.5): parsing only. Pure.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace husk {

// The number of pairs that the driver wants to use, from the readable buffers of a chain; nothing for every other
// command and for a number that is not among 1 to `offered_pairs`: these are refused.
[[nodiscard]] std::optional<std::uint32_t> ParsePairsCommand(std::span<const iovec> readable,
                                                             std::uint32_t offered_pairs);

}  // namespace husk
