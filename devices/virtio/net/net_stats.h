// NetCounters: what one network device's worker counts; as DeviceStats, in a shared page.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "devices/virtio/device_stats.h"
#include "devices/virtio/net/verdict.h"

namespace husk {

// Why a frame went nowhere.
enum class NetDrop : std::uint8_t {
    kHeader,  // its header asks for what was not negotiated, or for what cannot be
    kSize,    // no frame is as short or as long
    kNoRoom,  // the driver has no buffers that it fits into
    kWire,    // the host did not take it
};
inline constexpr std::size_t kNetDrops = 4;

struct NetDirection {
    Counter frames;
    Counter bytes;
    std::array<Counter, kNetDrops> drops{};
    std::array<Counter, kVerdicts> filtered{};  // by the rule that forbids them
    Counter waits;                              // for the rate limit

    void Passed(std::size_t frame_bytes) {
        frames.Add();
        bytes.Add(frame_bytes);
    }
    void Dropped(NetDrop why) { drops[static_cast<std::size_t>(why)].Add(); }
};

struct NetCounters {
    Counter doorbells;   // eventfd writes of the guest's notifications, by KVM
    Counter batches;     // times that at least one chain was given back
    Counter interrupts;  // eventfd writes into KVM
    Counter commands;    // of the control queue
    Counter refused;     // of these
    Counter polls_hit;   // looked for work before sleeping, and some came
    Counter polls_missed;
    Counter capture_lost;  // frames that the capture file did not take
    NetDirection from_guest;
    NetDirection to_guest;
};

}  // namespace husk
