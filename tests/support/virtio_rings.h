// A split virtqueue from the driver's side, raw: any field of any ring, in order or not. For tests that break rules;
// the ones that keep them use VirtioDriver (virtio_driver.h), which stands on this. Every access is atomic, so a test
// may run the device in another thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "devices/virtio/queue_layout.h"
#include "vmm/memory/guest_memory.h"

namespace husk::testing {

class VirtioRings {
 public:
    // Descriptor table, available ring and used ring one after the other, from `at` (a multiple of 16).
    VirtioRings(const GuestMemory& memory, GuestAddress at, std::uint16_t size)
        : memory_(&memory),
          config_{.size = size,
                  .desc = at,
                  .driver = GuestAddress(at.Value() + size * sizeof(VirtqDesc)),
                  .device = GuestAddress(AlignUp(at.Value() + size * sizeof(VirtqDesc) + 6 + 2U * size))} {}

    [[nodiscard]] const QueueConfig& Config() const { return config_; }
    [[nodiscard]] GuestAddress End() const { return At(config_.device, AlignUp(6 + 8U * config_.size)); }
    [[nodiscard]] const GuestMemory& Memory() const { return *memory_; }

    // Entry `index` of the queue's own table, or of one anywhere.
    void SetDescriptor(std::uint32_t index, const VirtqDesc& desc) { SetDescriptorAt(config_.desc, index, desc); }
    void SetDescriptorAt(GuestAddress table, std::uint32_t index, const VirtqDesc& desc) {
        const GuestAddress at = At(table, index * sizeof(VirtqDesc));
        if (at.Value() % alignof(std::uint64_t) != 0) {
            if (!memory_->Write(at, BytesOf(desc))) std::abort();
            return;
        }
        Store<std::uint64_t>(at, desc.addr);
        Store(At(at, 8), desc.len | std::uint64_t{desc.flags} << 32 | std::uint64_t{desc.next} << 48);
    }

    // Positions count on for ever, as the indices do.
    void SetAvailable(std::uint16_t position, std::uint16_t head) {
        Store(At(config_.driver, 4 + 2U * (position % config_.size)), head);
    }
    void SetAvailableIndex(std::uint16_t index) { Store(At(config_.driver, 2), index, std::memory_order_release); }
    void SetAvailableFlags(std::uint16_t flags) { Store(config_.driver, flags); }
    void SetUsedEvent(std::uint16_t index) { Store(At(config_.driver, 4 + 2U * config_.size), index); }

    [[nodiscard]] std::uint16_t UsedIndex() const {
        return Load<std::uint16_t>(At(config_.device, 2), std::memory_order_acquire);
    }
    [[nodiscard]] VirtqUsedElem Used(std::uint16_t position) const {
        const GuestAddress at = At(config_.device, 4 + 8U * (position % config_.size));
        return {.id = Load<std::uint32_t>(at), .len = Load<std::uint32_t>(At(at, 4))};
    }
    [[nodiscard]] std::uint16_t UsedFlags() const { return Load<std::uint16_t>(config_.device); }
    [[nodiscard]] std::uint16_t AvailEvent() const {
        return Load<std::uint16_t>(At(config_.device, 4 + 8U * config_.size));
    }

 private:
    static std::uint64_t AlignUp(std::uint64_t value) { return (value + 15) & ~std::uint64_t{15}; }
    static GuestAddress At(GuestAddress base, std::uint64_t offset) { return GuestAddress(base.Value() + offset); }

    template <typename T>
    [[nodiscard]] T* Host(GuestAddress at) const {
        return reinterpret_cast<T*>(memory_->Slice(at, sizeof(T)).value().data());
    }
    template <typename T>
    void Store(GuestAddress at, T value, std::memory_order order = std::memory_order_relaxed) const {
        std::atomic_ref(*Host<T>(at)).store(value, order);
    }
    template <typename T>
    [[nodiscard]] T Load(GuestAddress at, std::memory_order order = std::memory_order_relaxed) const {
        return std::atomic_ref(*Host<T>(at)).load(order);
    }

    const GuestMemory* memory_;
    QueueConfig config_;
};

}  // namespace husk::testing
