// PortQueues: the data path of one port of the virtio-console device (Virtio 1.2 §5.3), a stream of bytes each way.
//
// Back-pressure reaches into a chain: what the host has no room for stays in guest memory, a cursor remembers where,
// and the chain goes back to the driver once all of it is taken. No allocation after Open().
//
// Linux writes to hvc0 piece by piece and spins until each comes back: an interrupt would only stop it, and by the time
// one could be sent, a driver that uses event indices has said that it needs none. So those for output wait a moment.
#pragma once

#include <sys/uio.h>

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "devices/host/console_port.h"
#include "devices/virtio/console/console_config.h"
#include "devices/virtio/console/console_session.h"
#include "devices/virtio/split_queue.h"
#include "vmm/memory/guest_memory.h"

namespace husk {

class PortQueues final : public ConsolePort {
 public:
    // `session` must outlive this.
    explicit PortQueues(ConsoleSession& session) : session_(session) {}

    // A queue of size 0 is not used. `open`: the guest takes bytes from the start, without saying so.
    [[nodiscard]] std::optional<QueueFault> Open(const GuestMemory& memory, const QueueConfig& receive,
                                                 const QueueConfig& transmit, std::uint64_t features, bool open);
    void Close();
    // Whether somebody in the guest has the port open. What is put in before is thrown away by Linux.
    void SetGuestOpen(bool open);

    [[nodiscard]] bool Live() const override { return session_.live; }
    [[nodiscard]] bool GuestOpen() const override { return Live() && guest_open_; }
    [[nodiscard]] std::uint32_t Openings() const override { return openings_; }
    std::size_t Take(std::span<std::byte> room) override;
    [[nodiscard]] bool HasOutput() const override;
    std::size_t Put(std::span<const std::byte> typed) override;
    void Flush() override;
    void Settle() override;
    [[nodiscard]] bool Sleep(bool for_output, bool for_room) override;

 private:
    using Buffers = std::array<iovec, console_config::kQueueSize>;

    void GiveBack(SplitQueue& queue, DescriptorChain&& chain, std::uint32_t written);
    std::size_t CopyFromChain(std::span<std::byte> room);

    ConsoleSession& session_;
    std::optional<SplitQueue> receive_;
    std::optional<SplitQueue> transmit_;
    bool guest_open_ = false;
    std::uint32_t openings_ = 0;
    bool batch_open_ = false;      // chains were given back since the last Flush()
    bool interrupt_owed_ = false;  // for output that was taken, unless the driver sees so by itself

    // The chain that output is being taken from, and how far that has come.
    std::optional<DescriptorChain> chain_;
    std::size_t chain_buffer_ = 0;  // index in its readable buffers
    std::size_t chain_offset_ = 0;  // bytes in that buffer
    Buffers transmit_buffers_;
    Buffers receive_buffers_;
};

}  // namespace husk
