// NetReceiver: one receive queue (Virtio 1.2 §5.1.6.3, §5.1.6.4). Frames go from the wire straight into the driver's
// buffers, which are taken off the queue ahead: enough for the frames that came lately. What does not fit there is cut
// off into memory of our own (the spill) and copied behind once the driver has given more. When somebody has to look at
// frames before the guest may see them, all of them takes that way.
//
//     chains at hand   | chain | chain | chain |          with MRG_RXBUF a frame fills as many as it needs,
//     one readv        | header, frame ........| spill |  else it has to fit into the first
//
// One thread; nothing allocates after the start.
#pragma once

#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "devices/host/net_backend.h"
#include "devices/virtio/net/frame_gate.h"
#include "devices/virtio/net/net_config.h"
#include "devices/virtio/net/net_stats.h"
#include "devices/virtio/split_queue.h"

namespace husk {

class NetReceiver {
 public:
    NetReceiver() : spill_(std::make_unique_for_overwrite<Spill>()) {}

    void Activate(SplitQueue queue, std::uint64_t features);
    void Deactivate();
    [[nodiscard]] SplitQueue* Queue() { return queue_ ? &*queue_ : nullptr; }

    // Takes at most `limit` frames off a queue of the wire. True when there were any; the fault of a broken queue.
    [[nodiscard]] std::expected<bool, QueueFault> Serve(NetBackend& wire, std::uint32_t wire_queue, FrameGate& gate,
                                                        unsigned limit, NetDirection& counters);
    // The driver has to give buffers before anything else comes off the wire.
    [[nodiscard]] bool Starved() const { return starved_; }
    // The rate limit lets nothing come before Wait() nanoseconds are over.
    [[nodiscard]] bool Waits() const { return waits_; }
    [[nodiscard]] std::uint64_t Wait(FrameGate& gate) const { return waits_ ? gate.WaitIn() : TokenBucket::kForever; }

 private:
    static constexpr std::size_t kFrameRoom = kNetHeaderBytes + kMaxFrameBytes;
    // Of a frame that is usual; the chains at hand hold as much.
    static constexpr std::size_t kSmallRoom = 2048;
    static constexpr unsigned kSmallFramesInARow = 64;
    // A chain has at most kNetQueueSize buffers: it is taken only when there is room for all of them.
    static constexpr std::size_t kMaxBuffers = 3 * kNetQueueSize;
    using Spill = std::array<std::byte, kFrameRoom + 1>;  // the last byte is of a frame that is too long

    struct Ready {
        std::optional<DescriptorChain> chain;
        std::uint32_t buffers = 0;
        std::size_t bytes = 0;
    };

    [[nodiscard]] std::expected<bool, QueueFault> Refill(std::size_t wanted);
    [[nodiscard]] bool Merges() const { return (features_ & kFeatureNetMrgRxbuf) != 0; }
    [[nodiscard]] std::span<const iovec> RoomForOne(bool spill_only);
    void MakeSpace();
    [[nodiscard]] bool HasSpace() const { return kMaxBuffers - buffers_end_ >= kNetQueueSize; }
    [[nodiscard]] bool Receive(NetBackend& wire, std::uint32_t wire_queue, FrameGate& gate, NetDirection& counters);
    [[nodiscard]] std::expected<bool, QueueFault> Deliver(FrameGate& gate, NetDirection& counters);
    void Capture(FrameGate& gate) const;
    void GiveBack();
    void Write(std::size_t offset, std::span<const std::byte> bytes);

    std::optional<SplitQueue> queue_;
    std::uint64_t features_ = 0;
    bool starved_ = false;
    bool waits_ = false;
    bool waited_ = false;  // at the end of the last Serve()

    // Chains at hand: [ready_begin_, ready_end_), and their buffers, in the same order.
    std::array<Ready, kNetQueueSize> ready_{};
    std::size_t ready_begin_ = 0;
    std::size_t ready_end_ = 0;
    std::array<iovec, kMaxBuffers + 1> buffers_;
    std::size_t buffers_begin_ = 0;
    std::size_t buffers_end_ = 0;
    std::size_t bytes_ = 0;  // in all of them

    // The frame that is being received, with its header; 0: none. Its last spilled_ bytes are in the spill.
    std::size_t frame_ = 0;
    std::size_t spilled_ = 0;
    std::size_t wanted_ = kSmallRoom;
    unsigned small_frames_ = 0;
    std::unique_ptr<Spill> spill_;
};

}  // namespace husk
