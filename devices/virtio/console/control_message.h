// What goes over the control queues of a virtio-console with MULTIPORT (Virtio 1.2 §5.3.6.2).
#pragma once

#include <cstddef>
#include <cstdint>

namespace husk {

enum class ControlEvent : std::uint16_t {
    kDeviceReady = 0,  // from the driver: it knows control messages
    kPortAdd = 1,
    kPortRemove = 2,
    kPortReady = 3,  // from the driver: it has set the port up, or failed to
    kConsolePort = 4,
    kResize = 5,    // a ControlSize follows
    kPortOpen = 6,  // both ways: whether somebody is there
    kPortName = 7,  // the name follows, without a zero
};

// struct virtio_console_control
struct ControlMessage {
    std::uint32_t port = 0;
    std::uint16_t event = 0;  // a ControlEvent
    std::uint16_t value = 0;
};
static_assert(sizeof(ControlMessage) == 8 && offsetof(ControlMessage, event) == 4 &&
              offsetof(ControlMessage, value) == 6);

// struct virtio_console_resize. Linux took the two the other way round until its commit 5326ab737a47 (6.15, and stable
// kernels from the middle of 2025 on): older guests see a window on its side, which nothing here can know.
struct ControlSize {
    std::uint16_t cols = 0;
    std::uint16_t rows = 0;
};
static_assert(sizeof(ControlSize) == 4);

}  // namespace husk
