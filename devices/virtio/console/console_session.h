// ConsoleSession: what the queues of one virtio-console share. A rule broken on one of them breaks the device.
#pragma once

#include <optional>

#include "devices/virtio/descriptor_chain.h"
#include "devices/virtio/device_stats.h"
#include "devices/virtio/queue_fault.h"
#include "devices/virtio/split_queue.h"
#include "vmm/base/event_fd.h"

namespace husk {

struct ConsoleSession {
    const EventFd& interrupt;
    DeviceStats& stats;
    bool live = false;
    std::optional<QueueFault> fault{};

    // Chains popped from a queue in one call: what a driver that only sends useless ones can make us do before others
    // get their turn.
    static constexpr int kChainsPerCall = 128;

    void Break(QueueFault what) {
        if (live) fault = what;
        live = false;
    }

    [[nodiscard]] std::optional<DescriptorChain> Pop(SplitQueue& queue, std::span<iovec> buffers) {
        auto popped = queue.Pop(buffers);
        if (!popped) {
            Break(popped.error());
            return std::nullopt;
        }
        if (*popped) stats.requests.Add();
        return std::move(*popped);
    }

    void Interrupt() const {
        stats.interrupts.Add();
        interrupt.Signal();
    }
};

}  // namespace husk
