// SplitQueue: the device's side of one split virtqueue (Virtio 1.2 §2.7), against a hostile driver.
//
// Rules: the geometry is latched and resolved to host pointers once, at Create(); every descriptor is copied once, then
// checked, then used; a head cannot be in flight twice; a chain has at most `size` buffers, at least one, readable
// ones before writable ones, and at most 2^32 - 1 bytes; indirect tables do not nest. A driver that breaks a rule
// breaks the queue: Pop() gives the fault, now and ever after, and the device asks to be reset.
// One thread at a time. No allocation after Create().
#pragma once

#include <sys/uio.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <expected>
#include <optional>
#include <span>
#include <utility>

#include "devices/virtio/chain_gatherer.h"
#include "devices/virtio/descriptor_chain.h"
#include "devices/virtio/guest_ring.h"
#include "devices/virtio/queue_fault.h"
#include "devices/virtio/queue_layout.h"
#include "vmm/memory/guest_memory.h"

namespace husk {

class SplitQueue {
 public:
    // Resolves the rings of `config` in `memory`, which must outlive the queue. `features` are the negotiated ones.
    [[nodiscard]] static std::expected<SplitQueue, QueueFault> Create(const GuestMemory& memory,
                                                                      const QueueConfig& config,
                                                                      std::uint64_t features);

    SplitQueue(SplitQueue&&) noexcept = default;
    SplitQueue& operator=(SplitQueue&&) noexcept = default;
    SplitQueue(const SplitQueue&) = delete;
    SplitQueue& operator=(const SplitQueue&) = delete;
    ~SplitQueue() = default;

    using PopResult = std::expected<std::optional<DescriptorChain>, QueueFault>;
    // The next available chain; nothing when there is none. Its buffers are put into `storage`, readable ones first; a
    // chain with more buffers than fit there is kChainTooLong.
    [[nodiscard]] PopResult Pop(std::span<iovec> storage);

    // Gives a chain back with the number of bytes written into it. The driver sees it at the next Publish(). Also on a
    // broken queue. A chain that is not in flight is our own mistake: aborts.
    void Push(DescriptorChain&& chain, std::uint32_t written);

    // Makes all pushed chains visible to the driver. True when it wants an interrupt for them (§2.7.7, §2.7.10).
    [[nodiscard]] bool Publish();

    // Whether chains were pushed that no Publish() has shown.
    [[nodiscard]] bool HasUnpublished() const { return next_used_ != published_; }
    [[nodiscard]] bool UsesEventIndex() const { return event_idx_; }
    // Whether the driver, going by its used_event (§2.7.7), has yet to look at chains that were published. Only one
    // that uses event indices tells.
    [[nodiscard]] bool DriverIsBehind() const { return event_idx_ && available_.UsedEvent() != published_; }

    // Whether chains are available, without asking for doorbells. Cheap: for polling. A broken queue has none.
    [[nodiscard]] bool HasAvailable() const;
    // Doorbells off (while the queue is being served anyway), and on again: one comes when `count` chains are available
    // (with event indices; else at the first one). EnableNotify() is true when so many became available meanwhile: then
    // they must be served before sleeping. A new queue has its doorbells on.
    void DisableNotify();
    [[nodiscard]] bool EnableNotify(std::uint16_t count = 1);

    [[nodiscard]] std::uint16_t Size() const { return size_; }
    // Popped and not yet pushed. Every popped chain is pushed once, so the indices tell.
    [[nodiscard]] std::uint16_t InFlight() const { return Distance(next_used_, next_available_); }

 private:
    SplitQueue(ChainGatherer gatherer, AvailableRing available, UsedRing used, std::uint16_t size, bool event_idx)
        : gatherer_(gatherer), available_(available), used_(used), size_(size), event_idx_(event_idx) {}

    [[nodiscard]] std::unexpected<QueueFault> Break(QueueFault fault);

    ChainGatherer gatherer_;
    AvailableRing available_;
    UsedRing used_;
    std::uint16_t size_;
    bool event_idx_;
    RingIndex next_available_;  // the entry that the next Pop() takes
    RingIndex available_end_;   // the driver's index when last read; next_available_ once broken
    RingIndex next_used_;       // where the next Push() puts its entry
    RingIndex published_;       // the index that the driver was last given
    std::optional<QueueFault> fault_;
    // By head. Bytes rather than bits: a store per Pop() and Push(), which waits for no earlier one.
    std::array<bool, kMaxQueueSize> in_flight_{};
};

// The hot path is inline: a call costs about as much as all the checks.

[[gnu::always_inline]] inline SplitQueue::PopResult SplitQueue::Pop(std::span<iovec> storage) {
    if (next_available_ == available_end_) {
        if (fault_) [[unlikely]]
            return std::unexpected(*fault_);
        const std::uint16_t end = available_.Index();
        if (end == next_available_) return PopResult(std::in_place, std::nullopt);
        if (Distance(next_available_, end) > size_) [[unlikely]] {
            return Break(QueueFault::kTooManyAvailable);
        }
        available_end_ = end;
    }
    const std::uint16_t head = available_.Head(next_available_);
    if (head >= size_) [[unlikely]]
        return Break(QueueFault::kHeadOutOfRange);
    bool& in_flight = in_flight_.data()[head];
    if (in_flight) [[unlikely]]
        return Break(QueueFault::kHeadInFlight);
    const Gathered gathered = gatherer_.Gather(head, storage);
    if (gathered.IsFault()) [[unlikely]]
        return Break(gathered.Fault());
    in_flight = true;
    ++next_available_;
    return PopResult(std::in_place, std::in_place, DescriptorChain::Key{}, head, storage.data(), gathered.Counts());
}

inline void SplitQueue::Push(DescriptorChain&& chain, std::uint32_t written) {
    const std::uint16_t head = chain.Head();  // below the size of some queue, so below kMaxQueueSize
    bool& in_flight = in_flight_.data()[head];
    if (!in_flight) [[unlikely]]
        std::abort();
    in_flight = false;
    used_.Put(next_used_, {.id = head, .len = written});
    ++next_used_;
}

inline bool SplitQueue::Publish() {
    const std::uint16_t before = published_;
    if (next_used_ == before) return false;
    published_ = next_used_;
    // Stored with a full barrier before the driver's wish is loaded. Pairs with the driver's full barrier between
    // storing its wish (flags or used_event) and looking at the index once more: either we see the wish, or it sees the
    // index.
    used_.SetIndex(next_used_);
    if (!event_idx_) return (available_.Flags() & kAvailNoInterrupt) == 0;
    // §2.7.7.2: an interrupt when the entry numbered used_event is among those published now; modulo 2^16.
    const std::uint16_t event = available_.UsedEvent();
    return Distance(before, event) < Distance(before, next_used_);
}

inline bool SplitQueue::HasAvailable() const {
    return next_available_ != available_end_ || (!fault_ && available_.Index() != next_available_);
}

inline void SplitQueue::DisableNotify() {
    // With event indices, avail_event stays where it is: the driver is past it, and rings no more (§2.7.10.2).
    if (!event_idx_) used_.SetFlags(kUsedNoNotify);
}

inline bool SplitQueue::EnableNotify(std::uint16_t count) {
    if (event_idx_) {
        used_.SetAvailEvent(static_cast<std::uint16_t>(next_available_ + count - 1));
    } else {
        used_.SetFlags(0);
    }
    // Full: our wish is stored before the driver's index is loaded. Pairs with the driver's full barrier between
    // storing the index and looking at our wish (§2.7.13.4.1): either it rings, or we see its chains here.
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (!event_idx_ || count <= 1) return HasAvailable();
    return !fault_ && Distance(next_available_, available_.Index()) >= count;
}

}  // namespace husk
