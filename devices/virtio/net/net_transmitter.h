// NetTransmitter: one transmit queue (Virtio 1.2 §5.1.6.2). The header and the front of a frame are copied once into
// memory of our own; that copy is checked and is what the wire gets. The rest goes from guest memory: nobody judges it.
//
// When the wire is full, the frame at hand stays here, and the queue is left alone. One thread; nothing allocates.
#pragma once

#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include "devices/host/net_backend.h"
#include "devices/virtio/net/frame_gate.h"
#include "devices/virtio/net/net_config.h"
#include "devices/virtio/net/net_stats.h"
#include "devices/virtio/split_queue.h"

namespace husk {

class NetTransmitter {
 public:
    // What is copied of a frame: more than is judged, as a frame of the usual size goes out faster in one piece.
    static constexpr std::size_t kCopiedBytes = 2048;
    static_assert(kCopiedBytes >= kFrameHeadBytes);

    void Activate(SplitQueue queue, std::uint64_t features) {
        queue_.emplace(std::move(queue));
        features_ = features;
        held_ = Held::kNo;
    }
    void Deactivate() {
        queue_.reset();
        chain_.reset();
        held_ = Held::kNo;
    }
    [[nodiscard]] SplitQueue* Queue() { return queue_ ? &*queue_ : nullptr; }

    // Sends at most `limit` frames. True when there were any, or chains that were none; the fault of a broken queue.
    [[nodiscard]] std::expected<bool, QueueFault> Serve(NetBackend& wire, std::uint32_t wire_queue, FrameGate& gate,
                                                        unsigned limit, NetDirection& counters);
    // A frame waits: for the wire, or for the rate limit (and for how long, in nanoseconds).
    [[nodiscard]] bool Blocked() const { return held_ != Held::kNo; }
    [[nodiscard]] bool WaitsForWire() const { return held_ == Held::kByWire; }
    [[nodiscard]] std::uint64_t Wait(FrameGate& gate) const {
        return held_ == Held::kByRate ? gate.WaitOut(frame_bytes_) : TokenBucket::kForever;
    }

 private:
    enum class Held : std::uint8_t { kNo, kByRate, kByWire };

    [[nodiscard]] bool Prepare(const FrameGate& gate, NetDirection& counters);
    void Finish();

    std::optional<SplitQueue> queue_;
    std::uint64_t features_ = 0;
    Held held_ = Held::kNo;  // with a rate limit: a frame that waits for the wire is paid for
    std::optional<DescriptorChain> chain_;
    std::span<iovec> frame_;  // of buffers_: header, head, and the rest
    std::size_t frame_bytes_ = 0;
    // Copied from the guest. Side by side, so that a small frame is one piece.
    struct Front {
        NetHeader header;
        std::array<std::byte, kCopiedBytes> head;
    };
    static_assert(offsetof(Front, head) == sizeof(NetHeader));
    Front front_{};
    std::array<iovec, 2 + kNetQueueSize> buffers_;
};

}  // namespace husk
