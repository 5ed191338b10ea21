// ChainGatherer: from descriptors that a hostile driver wrote to buffers in host memory (Virtio 1.2 §2.7.5). Each
// descriptor is copied once, then checked, then used. Bounded work: every buffer counts against the limit, and at most
// one indirect table is entered.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <span>

#include "devices/virtio/descriptor_chain.h"
#include "devices/virtio/guest_ring.h"
#include "devices/virtio/queue_fault.h"
#include "devices/virtio/queue_layout.h"
#include "vmm/memory/guest_memory.h"

namespace husk {

// What became of a chain: counts, or a fault. One word, so that it travels in a register.
class Gathered {
 public:
    Gathered(std::uint32_t readable, std::uint32_t writable) : word_(readable | writable << 16) {}
    Gathered(QueueFault fault)
        : word_(kFault | static_cast<std::uint32_t>(fault)) {}  // implicit, as an error should be

    [[nodiscard]] bool IsFault() const { return (word_ & kFault) != 0; }
    [[nodiscard]] QueueFault Fault() const { return static_cast<QueueFault>(word_ & 0xff); }
    [[nodiscard]] BufferCounts Counts() const {
        return {.readable = static_cast<std::uint16_t>(word_), .writable = static_cast<std::uint16_t>(word_ >> 16)};
    }

 private:
    static constexpr std::uint32_t kFault = 0x8000'0000;
    static_assert(kMaxQueueSize < 0x8000, "a count fills no more than 15 bits");
    std::uint32_t word_;
};

class ChainGatherer {
 public:
    // `table` is the queue's own; `indirect`: whether VIRTIO_F_INDIRECT_DESC was negotiated.
    ChainGatherer(const GuestMemory& memory, DescriptorTable table, bool indirect)
        : memory_(&memory), table_(table), indirect_(indirect) {}

    // Puts the buffers of the chain that begins at `head` (below the table's size) into `storage`. No more of them than
    // fit there or than the queue has descriptors. The first descriptor that breaks a rule decides the fault; its own
    // rules count before the next one is looked at.
    [[nodiscard]] [[gnu::always_inline]] Gathered Gather(std::uint16_t head, std::span<iovec> storage) const {
        const VirtqDesc desc = table_.LoadAligned(head);
        if ((desc.flags & (kDescNext | kDescIndirect)) != 0) return GatherLong(desc, storage);
        if (storage.empty()) [[unlikely]]
            return QueueFault::kChainTooLong;
        if (desc.len == 0) [[unlikely]]
            return QueueFault::kBufferEmpty;
        const auto buffer = memory_->Slice(GuestAddress(desc.addr), desc.len);
        if (!buffer) [[unlikely]]
            return QueueFault::kBufferNotInMemory;
        *storage.data() = {buffer->data(), desc.len};
        const std::uint32_t writable = desc.flags / kDescWrite % 2;
        return {1 - writable, writable};
    }

 private:
    // The same for any chain, of which `first` is the copy of the first descriptor.
    [[nodiscard]] Gathered GatherLong(VirtqDesc first, std::span<iovec> storage) const;

    const GuestMemory* memory_;
    DescriptorTable table_;
    bool indirect_;
};

}  // namespace husk
