// NetDriver: one pair of queues of a network card from the driver's side, as a guest with one busy CPU has it: sends as
// many frames as there is room for, or takes all that came and gives the buffers back, and sleeps until the interrupt
// when there is nothing to do. Each frame is one buffer; frames that come may fill several.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "benchmarks/devices/driver_queue.h"
#include "benchmarks/devices/driver_wires.h"
#include "benchmarks/devices/latencies.h"
#include "benchmarks/devices/net_frames.h"
#include "devices/virtio/mmio_transport.h"
#include "vmm/base/event_fd.h"
#include "vmm/memory/guest_memory.h"

namespace husk::bench {

struct NetCounts {
    std::uint64_t frames = 0;
    DriverWires::Counts wires;
};

class NetDriver {
 public:
    static constexpr std::uint64_t kMemory = 64 << 20;
    // From one buffer to the next.
    static constexpr std::uint64_t kReceiveRoom = 4096;
    static constexpr std::uint64_t kTransmitRoom = 68 << 10;

    NetDriver(const GuestMemory& memory, const Frame& frame, const EventFd& doorbell, const EventFd& interrupt);

    // What to activate the device with.
    [[nodiscard]] Activation Chosen() const;

    // For `nanoseconds`. Frames that were sent count when they are given back.
    [[nodiscard]] NetCounts Send(std::uint64_t nanoseconds);
    // Counts what came in `received` as well.
    [[nodiscard]] NetCounts Receive(std::uint64_t nanoseconds, std::atomic<std::uint64_t>& received);
    // One frame at a time, to be answered with one.
    [[nodiscard]] NetCounts Echo(std::uint64_t nanoseconds, Latencies& latencies);

 private:
    void TakeSent();
    void SendNext();
    [[nodiscard]] std::uint64_t TakeFrames();

    DriverWires wires_;
    DriverQueue receive_;
    DriverQueue transmit_;
    std::vector<std::byte*> rooms_;    // of the receive queue, by descriptor
    std::vector<std::uint16_t> free_;  // descriptors of the transmit queue
    std::uint64_t sent_ = 0;           // and given back
    std::uint16_t rest_ = 0;           // buffers of the last frame that are still to come
};

}  // namespace husk::bench
