// A virtio driver for tests: rings and buffers in a GuestMemory, and the words of a driver.
//
//     const GuestMemory memory = GuestMemory::Create(16 * address_map::kMiB).value();
//     VirtioDriver driver(memory, {.size = 8, .event_idx = true});
//     auto queue = SplitQueue::Create(memory, driver.Config(), driver.Features()).value();
//
//     const SentChain read = driver.Chain().Readable(BytesOf(header)).Writable(512).Writable(1).Send();
//     ... the device serves the queue ...
//     const std::optional<UsedChain> used = driver.TakeUsed();         // {head, written}; nothing when there is none
//     EXPECT_EQ(used->head, read.head);
//     EXPECT_EQ(driver.Bytes(read.buffers[2])[0], std::byte{0});        // what lies in its third buffer
//     EXPECT_EQ(driver.Written(read, used->written), data);             // the first bytes of its writable ones
//
//     driver.Chain().Indirect().Readable("text").Send();                // in an indirect table
//     driver.Chain().BufferAt(GuestAddress(~0ULL), 512, kDescWrite).Send();  // an address of one's own, good or bad
//     driver.Chain().Writable(64).Add(); driver.Chain().Writable(64).Add(); driver.Expose();  // a batch, seen at once
//     if (driver.MustRing()) ...                                        // after Send() or Expose(): by §2.7.10.1
//     driver.Rings().SetDescriptor(0, {...});                           // whatever breaks the rules (virtio_rings.h)
//
// Several queues in one memory: give each an `at` of its own; it uses kFootprint bytes from there. Buffers are handed
// out round robin, so what a chain held is there until about a mebibyte has been sent after it. A mistake of the test
// (no free descriptor, no room) aborts. One thread; the device may be in another.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "devices/virtio/queue_layout.h"
#include "tests/support/virtio_rings.h"
#include "vmm/base/bytes.h"
#include "vmm/memory/guest_memory.h"

namespace husk::testing {

struct SentBuffer {
    GuestAddress at;
    std::uint32_t length;
    bool writable;
};

struct SentChain {
    std::uint16_t head;
    std::vector<SentBuffer> buffers;
};

struct UsedChain {
    std::uint32_t head;
    std::uint32_t written;
    friend bool operator==(const UsedChain&, const UsedChain&) = default;
};

class VirtioDriver {
 public:
    static constexpr std::uint64_t kFootprint = 0x20'0000;
    struct Options {
        std::uint16_t size = 8;
        bool event_idx = false;
        bool indirect = true;
        GuestAddress at{0x10'0000};
    };
    class ChainBuilder;

    explicit VirtioDriver(const GuestMemory& memory) : VirtioDriver(memory, Options{}) {}
    VirtioDriver(const GuestMemory& memory, const Options& options)
        : rings_(memory, options.at, options.size), options_(options), arena_next_(rings_.End().Value()) {
        for (std::uint16_t i = 0; i < options.size; ++i)
            free_.push_back(static_cast<std::uint16_t>(options.size - 1 - i));
        chain_of_.resize(options.size);
        std::ranges::fill(memory.Slice(options.at, rings_.End().Value() - options.at.Value()).value(), std::byte{0});
    }

    [[nodiscard]] QueueConfig Config() const { return rings_.Config(); }
    [[nodiscard]] std::uint64_t Features() const {
        return kFeatureVersion1 | (options_.event_idx ? kFeatureEventIdx : 0) |
               (options_.indirect ? kFeatureIndirectDesc : 0);
    }
    [[nodiscard]] VirtioRings& Rings() { return rings_; }

    // Begins a chain; nothing of it is written before Send() or Add().
    [[nodiscard]] ChainBuilder Chain();
    // Makes the chains of all Add()s so far available.
    void Expose() {
        exposed_before_ = exposed_;
        exposed_ = next_available_;
        rings_.SetAvailableIndex(exposed_);
    }
    // After Send() or Expose(): whether the device wants a doorbell for it.
    [[nodiscard]] bool MustRing() const {
        std::atomic_thread_fence(std::memory_order_seq_cst);  // pairs with SplitQueue::EnableNotify()
        if (!options_.event_idx) return (rings_.UsedFlags() & kUsedNoNotify) == 0;
        return static_cast<std::uint16_t>(exposed_ - rings_.AvailEvent() - 1) <
               static_cast<std::uint16_t>(exposed_ - exposed_before_);
    }

    // The next chain that came back; its descriptors are free again. An id that was never sent aborts.
    std::optional<UsedChain> TakeUsed() {
        if (rings_.UsedIndex() == next_used_) return std::nullopt;
        const VirtqUsedElem element = rings_.Used(next_used_++);
        if (element.id >= options_.size || chain_of_[element.id].empty()) std::abort();
        free_.insert(free_.end(), chain_of_[element.id].rbegin(), chain_of_[element.id].rend());
        chain_of_[element.id].clear();
        return UsedChain{element.id, element.len};
    }
    [[nodiscard]] std::size_t FreeDescriptors() const { return free_.size(); }

    // Interrupts off, and on again for the next chain that comes back. EnableInterrupts() is true when some came back
    // meanwhile.
    void DisableInterrupts() {
        if (!options_.event_idx) return rings_.SetAvailableFlags(kAvailNoInterrupt);
        rings_.SetUsedEvent(static_cast<std::uint16_t>(next_used_ - 1));
    }
    [[nodiscard]] bool EnableInterrupts() {
        if (options_.event_idx) {
            rings_.SetUsedEvent(next_used_);
        } else {
            rings_.SetAvailableFlags(0);
        }
        std::atomic_thread_fence(std::memory_order_seq_cst);  // pairs with SplitQueue::Publish()
        return rings_.UsedIndex() != next_used_;
    }

    // What lies in a buffer now.
    [[nodiscard]] std::span<std::byte> Bytes(const SentBuffer& buffer) const {
        return rings_.Memory().Slice(buffer.at, buffer.length).value();
    }
    // The first `written` bytes of the chain's writable buffers, put together.
    [[nodiscard]] std::vector<std::byte> Written(const SentChain& chain, std::size_t written) const {
        std::vector<std::byte> all;
        for (const SentBuffer& buffer : chain.buffers) {
            if (!buffer.writable) continue;
            const auto part = Bytes(buffer).first(std::min<std::size_t>(buffer.length, written - all.size()));
            all.insert(all.end(), part.begin(), part.end());
        }
        return all;
    }

 private:
    // Room for a buffer or an indirect table.
    GuestAddress Allocate(std::uint64_t length) {
        const std::uint64_t end = options_.at.Value() + kFootprint;
        if (arena_next_ + length > end) arena_next_ = rings_.End().Value();
        if (arena_next_ + length > end) std::abort();
        const std::uint64_t at = arena_next_;
        arena_next_ = (at + length + 15) & ~std::uint64_t{15};
        return GuestAddress(at);
    }

    VirtioRings rings_;
    Options options_;
    std::uint64_t arena_next_;
    std::uint16_t next_available_ = 0;
    std::uint16_t exposed_ = 0;
    std::uint16_t exposed_before_ = 0;
    std::uint16_t next_used_ = 0;
    std::vector<std::uint16_t> free_;
    std::vector<std::vector<std::uint16_t>> chain_of_;  // by head: the descriptors of a chain that the device has
};

class VirtioDriver::ChainBuilder {
 public:
    explicit ChainBuilder(VirtioDriver& driver) : driver_(&driver) {}

    ChainBuilder& Readable(std::span<const std::byte> data) {
        const auto length = static_cast<std::uint32_t>(data.size());
        const GuestAddress at = driver_->Allocate(length);
        if (!driver_->rings_.Memory().Write(at, data)) std::abort();
        return BufferAt(at, length, 0);
    }
    ChainBuilder& Readable(std::string_view text) { return Readable(std::as_bytes(std::span(text))); }
    // `fill` is what lies there before the device writes.
    ChainBuilder& Writable(std::uint32_t length, std::byte fill = std::byte{0xee}) {
        const GuestAddress at = driver_->Allocate(length);
        std::ranges::fill(driver_->rings_.Memory().Slice(at, length).value(), fill);
        return BufferAt(at, length, kDescWrite);
    }
    ChainBuilder& BufferAt(GuestAddress at, std::uint32_t length, std::uint16_t flags) {
        descs_.push_back({.addr = at.Value(), .len = length, .flags = flags, .next = 0});
        return *this;
    }
    // Puts all buffers into an indirect table.
    ChainBuilder& Indirect() {
        indirect_ = true;
        return *this;
    }

    // Puts the chain into the rings without making it available.
    SentChain Add() {
        SentChain chain{.head = 0, .buffers = {}};
        for (const VirtqDesc& desc : descs_) {
            chain.buffers.push_back({GuestAddress(desc.addr), desc.len, (desc.flags & kDescWrite) != 0});
        }
        chain.head = indirect_ ? PlaceIndirect() : PlaceDirect();
        driver_->rings_.SetAvailable(driver_->next_available_++, chain.head);
        return chain;
    }
    // Add() and Expose().
    SentChain Send() {
        SentChain chain = Add();
        driver_->Expose();
        return chain;
    }

 private:
    std::uint16_t PlaceDirect() {
        std::vector<std::uint16_t> taken;
        for (std::size_t i = 0; i < descs_.size(); ++i) taken.push_back(TakeFree());
        for (std::size_t i = 0; i < descs_.size(); ++i) {
            VirtqDesc desc = descs_[i];
            if (i + 1 < descs_.size()) {
                desc.flags |= kDescNext;
                desc.next = taken[i + 1];
            }
            driver_->rings_.SetDescriptor(taken[i], desc);
        }
        const std::uint16_t head = taken.at(0);
        driver_->chain_of_[head] = std::move(taken);
        return head;
    }
    std::uint16_t PlaceIndirect() {
        const auto bytes = static_cast<std::uint32_t>(descs_.size() * sizeof(VirtqDesc));
        const GuestAddress table = driver_->Allocate(bytes);
        for (std::uint16_t i = 0; i < descs_.size(); ++i) {
            VirtqDesc desc = descs_[i];
            if (i + 1U < descs_.size()) {
                desc.flags |= kDescNext;
                desc.next = static_cast<std::uint16_t>(i + 1);
            }
            driver_->rings_.SetDescriptorAt(table, i, desc);
        }
        const std::uint16_t head = TakeFree();
        driver_->rings_.SetDescriptor(head, {.addr = table.Value(), .len = bytes, .flags = kDescIndirect, .next = 0});
        driver_->chain_of_[head] = {head};
        return head;
    }
    std::uint16_t TakeFree() {
        if (driver_->free_.empty()) std::abort();
        const std::uint16_t index = driver_->free_.back();
        driver_->free_.pop_back();
        return index;
    }

    VirtioDriver* driver_;
    std::vector<VirtqDesc> descs_;
    bool indirect_ = false;
};

inline VirtioDriver::ChainBuilder VirtioDriver::Chain() { return ChainBuilder(*this); }

}  // namespace husk::testing
