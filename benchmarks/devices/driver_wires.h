// DriverWires: how a driver and its device wake each other, and how often they had to: with KVM in between, both
// eventfds are the same ones.
#pragma once

#include <poll.h>

#include <cstdint>
#include <utility>

#include "benchmarks/devices/driver_queue.h"
#include "vmm/base/event_fd.h"

namespace husk::bench {

class DriverWires {
 public:
    struct Counts {
        std::uint64_t doorbells = 0;  // rung
        std::uint64_t wakeups = 0;    // from sleep
    };

    // Both outlive this.
    DriverWires(const EventFd& doorbell, const EventFd& interrupt) : doorbell_(doorbell), interrupt_(interrupt) {}

    // Makes available what was added to `queue`, and rings if the device wants to hear of it.
    void Publish(DriverQueue& queue) {
        if (!queue.Publish()) return;
        doorbell_.Signal();
        ++counts_.doorbells;
    }
    // Until the interrupt, or for `milliseconds` (-1: no matter how long).
    void Sleep(int milliseconds = -1) {
        pollfd interrupt{interrupt_.Get(), POLLIN, 0};
        (void)::poll(&interrupt, 1, milliseconds);
        (void)interrupt_.Drain();
        ++counts_.wakeups;
    }
    // Since the last call.
    [[nodiscard]] Counts TakeCounts() { return std::exchange(counts_, {}); }

 private:
    const EventFd& doorbell_;
    const EventFd& interrupt_;
    Counts counts_;
};

}  // namespace husk::bench
