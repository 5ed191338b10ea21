// NetDevice: the data path of one virtio-net device (Virtio 1.2 §5.1), in the device's worker process.
//
// One loop thread serves all queues. The owner of the loop calls Serve() when the doorbell rings or a descriptor of the
// wire is ready for what Events() names, and sleeps only when told so. There is one interrupt for all that was done in
// a turn. Nothing is ever in flight outside of Serve(): a reset is Deactivate().
//
// The wire may have more or fewer queues than the driver uses: queue W of the wire feeds pair W modulo the pairs in
// use, and pair P sends on queue P modulo those of the wire.
//
// No allocation after the constructor. All calls: the loop thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "devices/host/net_backend.h"
#include "devices/virtio/blk/poll_window.h"
#include "devices/virtio/mmio_transport.h"
#include "devices/virtio/net/net_receiver.h"
#include "devices/virtio/net/net_stats.h"
#include "devices/virtio/net/net_transmitter.h"
#include "devices/virtio/serve_result.h"
#include "vmm/bus/irq.h"
#include "vmm/memory/guest_memory.h"

namespace husk {

class NetDevice {
 public:
    // All of them must outlive this. `pairs`: as offered, 1 to kMaxNetPairs.
    NetDevice(const GuestMemory& memory, NetBackend& wire, FrameGate& gate, std::uint32_t pairs, IrqLine& interrupt,
              NetCounters& counters);
    NetDevice(const NetDevice&) = delete;
    NetDevice& operator=(const NetDevice&) = delete;

    // The driver is ready. Serve() is to be called next.
    [[nodiscard]] std::optional<QueueFault> Activate(const Activation& activation);
    // The driver resets the device, at any moment: guest memory is not touched any more. Harmless when not active.
    void Deactivate();

    // Does what there is to do, for about a millisecond at most, looking a little for more before it asks to sleep.
    [[nodiscard]] ServeResult Serve();
    // What broke a queue, until Deactivate().
    [[nodiscard]] std::optional<QueueFault> Fault() const { return fault_; }
    // What to wait for at a descriptor of the wire: POLLIN, POLLOUT, both or nothing.
    [[nodiscard]] short Events(std::uint32_t wire_queue) const;
    // When a rate limit holds frames back: nanoseconds until Serve() can go on with them. Else TokenBucket::kForever.
    [[nodiscard]] std::uint64_t Wait() const;

 private:
    struct Pair {
        Pair() {}  // a defaulted one would let a vector fill the buffers with zeroes
        NetReceiver receiver;
        NetTransmitter transmitter;
    };

    [[nodiscard]] std::optional<QueueFault> OpenQueues(const Activation& activation);
    [[nodiscard]] bool Live() const { return live_ && !fault_; }
    [[nodiscard]] const Pair& PairOf(std::uint32_t wire_queue) const { return pairs_[wire_queue % in_use_]; }
    template <typename Action>
    void ForEachQueue(Action action);

    [[nodiscard]] bool Turn();
    [[nodiscard]] std::expected<bool, QueueFault> ServeQueues();
    [[nodiscard]] std::expected<bool, QueueFault> ServeControl();
    void Publish();
    [[nodiscard]] bool SendsBulk();
    [[nodiscard]] bool Look();
    [[nodiscard]] bool FallAsleep();

    const GuestMemory& memory_;
    NetBackend& wire_;
    FrameGate& gate_;
    IrqLine& interrupt_;
    NetCounters& counters_;

    std::vector<Pair> pairs_;
    std::uint32_t in_use_ = 1;
    std::optional<SplitQueue> control_;
    std::array<iovec, kNetQueueSize> control_buffers_;
    std::uint64_t features_ = 0;
    bool live_ = false;
    bool slept_ = false;  // told so by the last Serve()
    std::optional<QueueFault> fault_;
    std::uint64_t now_ = 0;  // the clock when last read
    PollWindow window_;
    std::uint64_t frames_before_ = 0;  // what the guest had sent at the last SendsBulk()
    std::uint64_t bytes_before_ = 0;
    bool sends_bulk_ = false;
};

}  // namespace husk
