// ConsoleDevice: the data path of the virtio-console device, hvc0 (Virtio 1.2 §5.3), in the console role. The driver of
// its queues is hostile; the registers are the vmm's business.
//
// Back-pressure reaches into a chain: what the host has no room for stays in guest memory, a cursor remembers where,
// and the chain goes back to the driver once all of it is taken. One thread; no allocation after Activate().
#pragma once

#include <sys/uio.h>

#include <array>
#include <cstdint>
#include <optional>

#include "devices/host/console_port.h"
#include "devices/virtio/console/console_config.h"
#include "devices/virtio/device_stats.h"
#include "devices/virtio/mmio_transport.h"
#include "devices/virtio/split_queue.h"
#include "vmm/base/event_fd.h"
#include "vmm/memory/guest_memory.h"

namespace husk {

class ConsoleDevice final : public ConsolePort {
 public:
    // Both must outlive this. `interrupt` is signalled at most once for each batch.
    ConsoleDevice(const EventFd& interrupt, DeviceStats& stats) : interrupt_(interrupt), stats_(stats) {}
    ConsoleDevice(const ConsoleDevice&) = delete;
    ConsoleDevice& operator=(const ConsoleDevice&) = delete;

    // The driver is ready. Its queues are taken over from `activation`; one of size 0 is not used. `memory` must stay
    // until Deactivate(). A fault means that the device is not live.
    [[nodiscard]] std::optional<QueueFault> Activate(const GuestMemory& memory, const Activation& activation);
    // The driver resets the device, at any moment: guest memory is not touched any more, and what was not yet taken of
    // a chain is dropped. Harmless when it is not active.
    void Deactivate();
    // What the driver did, when it broke a rule since the last call. The device is not live from that moment on.
    [[nodiscard]] std::optional<QueueFault> TakeFault();

    [[nodiscard]] bool Live() const override { return live_; }
    std::size_t Take(std::span<std::byte> room) override;
    [[nodiscard]] bool HasOutput() const override;
    std::size_t Put(std::span<const std::byte> typed) override;
    void Flush() override;
    [[nodiscard]] bool Sleep(bool for_output, bool for_room) override;

 private:
    using Buffers = std::array<iovec, console_config::kQueueSize>;

    [[nodiscard]] std::optional<QueueFault> OpenQueues(const GuestMemory& memory, const Activation& activation);
    [[nodiscard]] std::optional<DescriptorChain> Pop(SplitQueue& queue, Buffers& buffers);
    void GiveBack(SplitQueue& queue, DescriptorChain&& chain, std::uint32_t written);
    std::size_t CopyFromChain(std::span<std::byte> room);

    const EventFd& interrupt_;
    DeviceStats& stats_;
    std::optional<SplitQueue> receive_;
    std::optional<SplitQueue> transmit_;
    bool live_ = false;
    bool batch_open_ = false;  // chains were given back since the last Flush()
    std::optional<QueueFault> fault_;

    // The chain that output is being taken from, and how far that has come.
    std::optional<DescriptorChain> chain_;
    std::size_t chain_buffer_ = 0;  // index in its readable buffers
    std::size_t chain_offset_ = 0;  // bytes in that buffer
    Buffers transmit_buffers_{};
    Buffers receive_buffers_{};
};

}  // namespace husk
