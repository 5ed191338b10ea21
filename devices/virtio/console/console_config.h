// What our virtio-console device offers (Virtio 1.2 §5.3): one port, a window size, nothing that needs more queues.
#pragma once

#include <cstddef>
#include <cstdint>

#include "devices/virtio/queue_layout.h"

namespace husk::console_config {

// §5.3.2. The queues of the one port (without MULTIPORT there are no others).
inline constexpr std::size_t kReceiveQueue = 0;   // to the guest
inline constexpr std::size_t kTransmitQueue = 1;  // from the guest
inline constexpr std::uint32_t kQueues = 2;
inline constexpr std::uint16_t kQueueSize = 64;

// §5.3.3
inline constexpr std::uint64_t kFeatureSize = std::uint64_t{1} << 0;  // cols and rows are valid
inline constexpr std::uint64_t kFeatures = kFeatureSize | kFeatureIndirectDesc | kFeatureEventIdx;

// §5.3.4 struct virtio_console_config.
struct Layout {
    std::uint16_t cols = 0;
    std::uint16_t rows = 0;
    std::uint32_t max_nr_ports = 0;  // only with MULTIPORT
    std::uint32_t emerg_wr = 0;      // only with EMERG_WRITE
};
static_assert(sizeof(Layout) == 12 && offsetof(Layout, cols) == 0 && offsetof(Layout, rows) == 2 &&
              offsetof(Layout, max_nr_ports) == 4 && offsetof(Layout, emerg_wr) == 8);

// Until the console role has seen a terminal, its size is unknown: 0 x 0, which guests take for that.
[[nodiscard]] constexpr Layout Initial() { return {}; }

// The bytes that change with the window, from offset kWindowOffset on.
inline constexpr std::uint32_t kWindowOffset = 0;
struct Window {
    std::uint16_t cols = 0;
    std::uint16_t rows = 0;
    friend bool operator==(const Window&, const Window&) = default;
};
static_assert(sizeof(Window) == offsetof(Layout, max_nr_ports));

}  // namespace husk::console_config
