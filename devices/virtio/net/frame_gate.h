// FrameGate: everything that stands between a guest and its wire beside the queues: the rules of its card, a limit on
// its rate, a capture. What it counts is the caller's.
//
// One thread; nothing allocates.
#pragma once

#include <sys/uio.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "devices/host/net_backend.h"
#include "devices/host/pcap_writer.h"
#include "devices/virtio/net/frame_filter.h"
#include "devices/virtio/net/frame_view.h"
#include "devices/virtio/net/net_stats.h"
#include "devices/virtio/token_bucket.h"
#include "vmm/base/clock.h"

namespace husk {

struct GateOptions {
    NetRules rules;
    std::uint64_t bytes_a_second = 0;  // in each direction; 0: no limit
    PcapWriter capture;
    std::uint64_t realtime_offset = 0;  // from CLOCK_MONOTONIC to nanoseconds since 1970
};

class FrameGate {
 public:
    // `options.rules` must be Valid().
    FrameGate(const GateOptions& options, std::uint64_t now)
        : filter_(options.rules),
          looks_at_frames_(filter_.LooksAtFrames()),
          from_guest_(options.bytes_a_second, Burst(options.bytes_a_second), now),
          to_guest_(from_guest_),
          capture_(options.capture),
          realtime_offset_(options.realtime_offset) {}

    // Whether the rules let it pass; counts it when they do not. `head`: the first min(length, kFrameHeadBytes) bytes
    // of the frame, in memory of our own.
    [[nodiscard]] bool Passes(std::span<const std::byte> head, std::size_t length, NetDirection& from_guest) const {
        return !looks_at_frames_ || Judge(filter_.FromGuest(head, length), from_guest);
    }
    [[nodiscard]] bool LooksAtIncoming() const { return filter_.LooksAtIncoming(); }
    [[nodiscard]] bool PassesIn(std::span<const std::byte> head, std::size_t length, NetDirection& to_guest) const {
        return Judge(filter_.ToGuest(head, length), to_guest);
    }

    // The rate. Out: takes what a frame of this length costs, or false: not yet. In: whether a frame of any length may
    // come now; it is paid for when it came.
    [[nodiscard]] bool TakeOut(std::size_t length) {
        return from_guest_.Unlimited() || from_guest_.Take(length, MonotonicNanoseconds());
    }
    [[nodiscard]] bool AllowsIn() {
        return to_guest_.Unlimited() || to_guest_.Allows(kMaxFrameBytes, MonotonicNanoseconds());
    }
    void PayIn(std::size_t length) {
        if (!to_guest_.Unlimited()) (void)to_guest_.Take(length, MonotonicNanoseconds());
    }
    // Nanoseconds until TakeOut(length), or AllowsIn().
    [[nodiscard]] std::uint64_t WaitOut(std::size_t length) { return from_guest_.Wait(length, MonotonicNanoseconds()); }
    [[nodiscard]] std::uint64_t WaitIn() { return to_guest_.Wait(kMaxFrameBytes, MonotonicNanoseconds()); }

    [[nodiscard]] bool Captures() const { return capture_.Running(); }
    void Capture(std::span<const iovec> frame) { capture_.Append(frame, MonotonicNanoseconds() + realtime_offset_); }
    [[nodiscard]] std::uint64_t CaptureLost() const { return capture_.Lost(); }

 private:
    // A twentieth of a second, or a large frame and another one.
    static constexpr std::uint64_t Burst(std::uint64_t rate) {
        return std::max<std::uint64_t>(rate / 20, 2 * kMaxFrameBytes);
    }
    static bool Judge(Verdict verdict, NetDirection& direction) {
        if (verdict == Verdict::kPass) return true;
        direction.filtered[static_cast<std::size_t>(verdict)].Add();
        return false;
    }

    FrameFilter filter_;
    bool looks_at_frames_;
    TokenBucket from_guest_;
    TokenBucket to_guest_;
    PcapWriter capture_;
    std::uint64_t realtime_offset_;
};

}  // namespace husk
