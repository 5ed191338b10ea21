// UncheckedQueue: what SplitQueue is measured against. The same loads and stores on the same memory (index, head, two
// words a descriptor, one iovec a buffer, used entry, index with its barrier, wish for an interrupt), with every value
// believed: no ranges, no limits, nothing in flight, no fault to remember. Fit for a guest one trusts, that is for
// nobody.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "devices/virtio/guest_ring.h"
#include "devices/virtio/queue_layout.h"
#include "vmm/memory/guest_memory.h"

namespace husk::bench {

struct UncheckedChain {
    iovec* buffers;
    std::uint16_t head;
    std::uint16_t readable;
    std::uint16_t writable;

    [[nodiscard]] std::span<iovec> Readable() const { return {buffers, readable}; }
    [[nodiscard]] std::span<iovec> Writable() const { return {buffers + readable, writable}; }
};

class UncheckedQueue {
 public:
    // Guest memory must be one region.
    UncheckedQueue(const GuestMemory& memory, const QueueConfig& config, bool event_idx)
        : base_(memory.Slice(GuestAddress(0), 1).value().data()),
          table_(base_ + config.desc.Value()),
          available_({base_ + config.driver.Value(), AvailableRing::Bytes(config.size)}, config.size),
          used_({base_ + config.device.Value(), UsedRing::Bytes(config.size)}, config.size),
          event_idx_(event_idx) {}

    // False when nothing is available.
    bool Pop(iovec* storage, UncheckedChain& chain) {
        if (next_available_ == available_end_) {
            available_end_ = available_.Index();
            if (next_available_ == available_end_) return false;
        }
        const std::uint16_t head = available_.Head(next_available_);
        ++next_available_;
        const std::byte* table = table_;
        iovec* out = storage;
        std::uint32_t readable = 0;
        for (std::uint32_t index = head;;) {
            const std::byte* const at = table + std::size_t{index} * sizeof(VirtqDesc);
            const auto addr = LoadRelaxed<std::uint64_t>(at);
            const auto meta = LoadRelaxed<std::uint64_t>(at + offsetof(VirtqDesc, len));
            const auto flags = static_cast<std::uint16_t>(meta >> 32);
            if ((flags & kDescIndirect) != 0) {
                table = base_ + addr;
                index = 0;
                continue;
            }
            if ((flags & kDescWrite) == 0) ++readable;
            *out++ = {base_ + addr, static_cast<std::uint32_t>(meta)};
            if ((flags & kDescNext) == 0) break;
            index = static_cast<std::uint32_t>(meta >> 48);
        }
        chain = {.buffers = storage,
                 .head = head,
                 .readable = static_cast<std::uint16_t>(readable),
                 .writable = static_cast<std::uint16_t>(out - storage - readable)};
        return true;
    }

    void Push(const UncheckedChain& chain, std::uint32_t written) {
        used_.Put(next_used_, {.id = chain.head, .len = written});
        ++next_used_;
    }

    bool Publish() {
        used_.SetIndex(next_used_);
        const std::uint16_t before = published_;
        published_ = next_used_;
        if (!event_idx_) return (available_.Flags() & kAvailNoInterrupt) == 0;
        return Distance(before, available_.UsedEvent()) < Distance(before, next_used_);
    }

 private:
    std::byte* base_;
    const std::byte* table_;
    AvailableRing available_;
    UsedRing used_;
    bool event_idx_;
    RingIndex next_available_;
    RingIndex available_end_;
    RingIndex next_used_;
    RingIndex published_;
};

}  // namespace husk::bench
