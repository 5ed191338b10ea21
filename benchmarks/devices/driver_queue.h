// DriverQueue: a split virtqueue from the driver's side (Virtio 1.2 §2.7), as quick as a driver can be. Notifications
// both ways go by event index, as Linux's driver does it: interrupts are wished for only by a driver that is about to
// sleep, so all that ends while it looks around shares one.
//
// Descriptors are set up once; a request is the number of its first one. Nothing allocates after the constructor.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "devices/virtio/guest_ring.h"
#include "devices/virtio/queue_layout.h"
#include "vmm/memory/guest_memory.h"

namespace husk::bench {

class DriverQueue {
 public:
    // From `at` on (a multiple of 16), for `size` descriptors: a power of two.
    DriverQueue(const GuestMemory& memory, GuestAddress at, std::uint16_t size)
        : config_{.size = size, .desc = at, .driver = Behind(at, DescriptorTable::Bytes(size)), .device = {}},
          mask_(static_cast<std::uint16_t>(size - 1)) {
        config_.device = Behind(config_.driver, AvailableRing::Bytes(size));
        desc_ = memory.Slice(at, DescriptorTable::Bytes(size)).value().data();
        available_ = memory.Slice(config_.driver, AvailableRing::Bytes(size)).value().data();
        used_ = memory.Slice(config_.device, UsedRing::Bytes(size)).value().data();
    }

    [[nodiscard]] const QueueConfig& Config() const { return config_; }
    [[nodiscard]] GuestAddress End() const { return Behind(config_.device, UsedRing::Bytes(config_.size)); }

    void SetDescriptor(std::uint16_t index, const VirtqDesc& desc) { StoreDescriptor(desc_, index, desc); }
    static void StoreDescriptor(std::byte* table, std::uint16_t index, const VirtqDesc& desc) {
        std::byte* const at = table + std::size_t{index} * sizeof(VirtqDesc);
        StoreRelaxed(at, desc.addr);
        StoreRelaxed(at + offsetof(VirtqDesc, len),
                     desc.len | std::uint64_t{desc.flags} << 32 | std::uint64_t{desc.next} << 48);
    }

    // For the next Publish().
    void Add(std::uint16_t head) {
        StoreRelaxed(available_ + kRingHeader + std::size_t{next_ & mask_} * kAvailEntry, head);
        ++next_;
    }
    // Makes what was added available. True: the device wants its doorbell rung (§2.7.10).
    [[nodiscard]] bool Publish() {
        const std::uint16_t before = published_;
        if (before == next_) return false;
        // Sequentially consistent: the entries before it, and the device's wish is looked at only after it.
        __atomic_exchange_n(reinterpret_cast<std::uint16_t*>(available_ + 2), std::uint16_t{next_}, __ATOMIC_SEQ_CST);
        published_ = next_;
        const auto wish = LoadRelaxed<std::uint16_t>(used_ + kRingHeader + std::size_t{config_.size} * kUsedEntry);
        return Distance(before, wish) < Distance(before, next_);
    }

    [[nodiscard]] std::optional<VirtqUsedElem> TakeUsed() {
        if (taken_ == UsedIndex()) return std::nullopt;
        const std::byte* const at = used_ + kRingHeader + std::size_t{taken_ & mask_} * kUsedEntry;
        ++taken_;
        return VirtqUsedElem{.id = LoadRelaxed<std::uint32_t>(at), .len = LoadRelaxed<std::uint32_t>(at + 4)};
    }
    // An interrupt from the next used buffer on. True: there is one already, and may be no interrupt for it. (There is
    // no call for the opposite: a wish that has been fulfilled is in the past, until it is renewed.)
    [[nodiscard]] bool EnableInterrupts() { return EnableInterruptsAfter(0); }
    // The same, from the buffer on that comes behind `count` more: others may be used before it.
    [[nodiscard]] bool EnableInterruptsAfter(std::uint16_t count) {
        __atomic_exchange_n(
            reinterpret_cast<std::uint16_t*>(available_ + kRingHeader + std::size_t{config_.size} * kAvailEntry),
            static_cast<std::uint16_t>(taken_ + count), __ATOMIC_SEQ_CST);
        return Distance(taken_, UsedIndex()) > count;
    }

 private:
    [[nodiscard]] std::uint16_t UsedIndex() const {
        return __atomic_load_n(reinterpret_cast<const std::uint16_t*>(used_ + 2), __ATOMIC_ACQUIRE);
    }
    static GuestAddress Behind(GuestAddress at, std::uint64_t bytes) {
        return GuestAddress((at.Value() + bytes + 63) & ~std::uint64_t{63});
    }

    QueueConfig config_;
    unsigned mask_;
    std::byte* desc_;
    std::byte* available_;
    const std::byte* used_;
    RingIndex next_;       // available so far, published or not
    RingIndex published_;  // of those
    RingIndex taken_;      // used entries that were looked at
};

}  // namespace husk::bench
