// The three parts of a split virtqueue in guest memory (Virtio 1.2 §2.7.5, §2.7.6, §2.7.8), as host pointers that were
// resolved once. The guest may write any of it at any moment, so every field is one atomic access: what a load returned
// is a copy, and the same field is not loaded twice for one purpose. Nothing here judges a value, except for indices
// into the rings, which are reduced modulo the queue's size.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "devices/virtio/queue_layout.h"
#include "vmm/memory/guest_memory.h"

namespace husk {

// std::atomic_ref would check alignment at every access; here it was checked when the ring was resolved.
template <typename T>
[[nodiscard]] inline T LoadRelaxed(const std::byte* at) {
    return __atomic_load_n(reinterpret_cast<const T*>(at), __ATOMIC_RELAXED);
}
template <typename T>
inline void StoreRelaxed(std::byte* at, T value) {
    __atomic_store_n(reinterpret_cast<T*>(at), value, __ATOMIC_RELAXED);
}

// A place in a ring, counting on for ever modulo 2^16. Kept in a word: compilers may load more than the 16 bits, and a
// load that is wider than the store just before it waits for the cache.
class RingIndex {
 public:
    constexpr RingIndex() = default;
    constexpr RingIndex(std::uint16_t value) : value_(value) {}  // implicit: it is what rings hold
    constexpr operator std::uint16_t() const { return static_cast<std::uint16_t>(value_); }
    constexpr RingIndex& operator++() {
        value_ = static_cast<std::uint16_t>(value_ + 1);
        return *this;
    }

 private:
    std::uint32_t value_ = 0;
};

// How many steps it is from one index on to another.
[[nodiscard]] constexpr std::uint16_t Distance(std::uint16_t from, std::uint16_t to) {
    return static_cast<std::uint16_t>(to - from);
}

// A table of descriptors: the queue's own, or an indirect one.
class DescriptorTable {
 public:
    // Of the queue's own table.
    static constexpr std::uint64_t kAlignment = 16;
    [[nodiscard]] static constexpr std::uint64_t Bytes(std::uint16_t size) { return size * sizeof(VirtqDesc); }

    // `bytes` came through GuestMemory::Slice(); its length is a multiple of a descriptor's.
    explicit DescriptorTable(std::span<const std::byte> bytes)
        : base_(bytes.data()), count_(static_cast<std::uint32_t>(bytes.size() / sizeof(VirtqDesc))) {}

    [[nodiscard]] std::uint32_t Count() const { return count_; }

    // A copy of entry `index`, which must be below Count(). Two loads, each byte fetched once: a guest that writes at
    // the same time can mix two versions of the entry, and what is checked is the mixture.
    [[nodiscard]] VirtqDesc Load(std::uint32_t index) const {
        if (reinterpret_cast<std::uintptr_t>(base_) % alignof(std::uint64_t) != 0) [[unlikely]]
            return LoadBytes(base_ + std::size_t{index} * sizeof(VirtqDesc));
        return LoadAligned(index);
    }
    // The same, of a table that is known to be aligned: the queue's own.
    [[nodiscard]] VirtqDesc LoadAligned(std::uint32_t index) const {
        const std::byte* const at = base_ + std::size_t{index} * sizeof(VirtqDesc);
        const auto meta = LoadRelaxed<std::uint64_t>(at + offsetof(VirtqDesc, len));
        return {.addr = LoadRelaxed<std::uint64_t>(at),
                .len = static_cast<std::uint32_t>(meta),
                .flags = static_cast<std::uint16_t>(meta >> 32),
                .next = static_cast<std::uint16_t>(meta >> 48)};
    }

 private:
    // Nothing asks a driver to align an indirect table (§2.7.5.3).
    [[nodiscard]] [[gnu::noinline, gnu::cold]] static VirtqDesc LoadBytes(const std::byte* at) {
        std::array<std::uint8_t, sizeof(VirtqDesc)> copy;
        for (std::size_t i = 0; i < copy.size(); ++i) copy[i] = LoadRelaxed<std::uint8_t>(at + i);
        return std::bit_cast<VirtqDesc>(copy);
    }

    const std::byte* base_;
    std::uint32_t count_;
};

// What the driver writes.
class AvailableRing {
 public:
    static constexpr std::uint64_t kAlignment = 2;
    [[nodiscard]] static constexpr std::uint64_t Bytes(std::uint16_t size) {
        return kRingHeader + size * kAvailEntry + kRingTail;
    }

    AvailableRing(std::span<const std::byte> bytes, std::uint16_t size)
        : base_(bytes.data()), mask_(static_cast<std::uint16_t>(size - 1)) {}

    // The driver's wishes for interrupts: flags, or used_event (§2.7.7). Sequentially consistent, to come after
    // UsedRing::SetIndex(); on x86 a plain load.
    [[nodiscard]] std::uint16_t Flags() const {
        return __atomic_load_n(reinterpret_cast<const std::uint16_t*>(base_), __ATOMIC_SEQ_CST);
    }
    [[nodiscard]] std::uint16_t UsedEvent() const {
        const std::byte* const at = base_ + kRingHeader + (std::size_t{mask_} + 1) * kAvailEntry;
        return __atomic_load_n(reinterpret_cast<const std::uint16_t*>(at), __ATOMIC_SEQ_CST);
    }
    // Acquire: pairs with the driver's barrier before its store of the index (§2.7.13). Entries and descriptors that
    // the index covers are seen as the driver left them.
    [[nodiscard]] std::uint16_t Index() const {
        return __atomic_load_n(reinterpret_cast<const std::uint16_t*>(base_ + 2), __ATOMIC_ACQUIRE);
    }
    [[nodiscard]] std::uint16_t Head(std::uint16_t position) const {
        return LoadRelaxed<std::uint16_t>(base_ + kRingHeader + std::size_t{position & mask_} * kAvailEntry);
    }

 private:
    const std::byte* base_;
    unsigned mask_;
};

// What the device writes. Never read back.
class UsedRing {
 public:
    static constexpr std::uint64_t kAlignment = 4;
    [[nodiscard]] static constexpr std::uint64_t Bytes(std::uint16_t size) {
        return kRingHeader + size * kUsedEntry + kRingTail;
    }

    UsedRing(std::span<std::byte> bytes, std::uint16_t size)
        : base_(bytes.data()), mask_(static_cast<std::uint16_t>(size - 1)) {}

    void SetFlags(std::uint16_t flags) { StoreRelaxed(base_, flags); }
    void Put(std::uint16_t position, VirtqUsedElem element) {
        std::byte* const at = base_ + kRingHeader + std::size_t{position & mask_} * kUsedEntry;
        StoreRelaxed(at, element.id);
        StoreRelaxed(at + offsetof(VirtqUsedElem, len), element.len);
    }
    // A full barrier, since the caller goes on to look at the driver's wish for an interrupt; what that pairs with is
    // said in SplitQueue::Publish(). As release it pairs with the driver's barrier after its load of the index: a
    // driver that sees it sees the entries, and whatever the device wrote into the buffers before. An exchange is one
    // locked instruction; a store and a fence cost more.
    void SetIndex(std::uint16_t index) {
        static_cast<void>(__atomic_exchange_n(reinterpret_cast<std::uint16_t*>(base_ + 2), index, __ATOMIC_SEQ_CST));
    }
    // avail_event (§2.7.10).
    void SetAvailEvent(std::uint16_t index) {
        StoreRelaxed(base_ + kRingHeader + (std::size_t{mask_} + 1) * kUsedEntry, index);
    }

 private:
    std::byte* base_;
    unsigned mask_;
};

}  // namespace husk
