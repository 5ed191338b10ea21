// What our virtio-console device offers (Virtio 1.2 §5.3): one port with a window size, hvc0; or, when the machine has
// named ports, MULTIPORT, control queues, hvc0 as port 0 and those behind it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "devices/virtio/queue_layout.h"

namespace husk::console_config {

inline constexpr std::uint32_t kMaxNamedPorts = 4;
inline constexpr std::uint32_t kMaxPorts = 1 + kMaxNamedPorts;
inline constexpr std::size_t kMaxPortName = 63;  // bytes
inline constexpr std::uint16_t kQueueSize = 64;

// §5.3.2. Named for who receives and transmits: the driver. The control queues are there with MULTIPORT only.
inline constexpr std::size_t kReceiveQueue = 0;   // to the guest
inline constexpr std::size_t kTransmitQueue = 1;  // from the guest
inline constexpr std::size_t kControlReceiveQueue = 2;
inline constexpr std::size_t kControlTransmitQueue = 3;
[[nodiscard]] constexpr std::size_t ReceiveQueueOf(std::size_t port) {
    return port == 0 ? kReceiveQueue : 2 + 2 * port;
}
[[nodiscard]] constexpr std::size_t TransmitQueueOf(std::size_t port) { return ReceiveQueueOf(port) + 1; }
[[nodiscard]] constexpr std::uint32_t Queues(std::uint32_t named_ports) {
    return named_ports == 0 ? 2 : 4 + 2 * named_ports;
}
static_assert(Queues(kMaxNamedPorts) == TransmitQueueOf(kMaxNamedPorts) + 1 && Queues(kMaxNamedPorts) <= kMaxQueues);

// §5.3.3
inline constexpr std::uint64_t kFeatureSize = std::uint64_t{1} << 0;  // cols and rows are valid
inline constexpr std::uint64_t kFeatureMultiport = std::uint64_t{1} << 1;
[[nodiscard]] constexpr std::uint64_t Features(std::uint32_t named_ports) {
    return kFeatureSize | kFeatureIndirectDesc | kFeatureEventIdx | (named_ports > 0 ? kFeatureMultiport : 0);
}

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
[[nodiscard]] constexpr Layout Initial(std::uint32_t named_ports) {
    return {.max_nr_ports = named_ports > 0 ? 1 + named_ports : 0};
}

// The bytes that change with the window, from offset kWindowOffset on.
inline constexpr std::uint32_t kWindowOffset = 0;
struct Window {
    std::uint16_t cols = 0;
    std::uint16_t rows = 0;
    friend bool operator==(const Window&, const Window&) = default;
};
static_assert(sizeof(Window) == offsetof(Layout, max_nr_ports));

}  // namespace husk::console_config
