// QueueModel: what the device's side of a split virtqueue must do, written as plainly as it can be said and as slowly
// as it likes: endless counters instead of 16-bit indices, sets, one Read() for each field. SplitQueue is held against
// it in the random test and in the fuzz target. Nothing may change guest memory between a call here and the same call
// there.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <variant>
#include <vector>

#include "devices/virtio/queue_fault.h"
#include "devices/virtio/queue_layout.h"
#include "vmm/memory/guest_memory.h"

namespace husk::testing {

class QueueModel {
 public:
    struct Buffer {
        GuestAddress at;
        std::uint32_t length;
        bool writable;
    };
    struct Chain {
        std::uint16_t head;
        std::vector<Buffer> buffers;
    };
    using Popped = std::variant<std::monostate, Chain, QueueFault>;

    QueueModel(const GuestMemory& memory, const QueueConfig& config, std::uint64_t features)
        : memory_(&memory), config_(config), features_(features) {}

    // Room for `storage` buffers.
    Popped Pop(std::size_t storage) {
        if (fault_) return *fault_;
        if (believed_ == taken_) {
            const std::uint16_t ahead = Ahead();
            if (ahead > config_.size) return Break(QueueFault::kTooManyAvailable);
            believed_ = taken_ + ahead;
        }
        if (believed_ == taken_) return std::monostate();
        const auto head = Read<std::uint16_t>(config_.driver, 4 + 2 * (taken_ % config_.size));
        if (head >= config_.size) return Break(QueueFault::kHeadOutOfRange);
        if (in_flight_.contains(head)) return Break(QueueFault::kHeadInFlight);
        const auto walked = Walk(head, std::min<std::size_t>(storage, config_.size));
        if (const auto* fault = std::get_if<QueueFault>(&walked)) return Break(*fault);
        in_flight_.insert(head);
        ++taken_;
        return Chain{head, std::get<std::vector<Buffer>>(walked)};
    }

    void Push(std::uint16_t head, std::uint32_t written) {
        in_flight_.erase(head);
        used_[given_ % config_.size] = {head, written};
        ++given_;
    }

    // §2.7.7.2, to the letter.
    bool Publish() {
        const bool event_idx = (features_ & kFeatureEventIdx) != 0;
        const auto flags = Read<std::uint16_t>(config_.driver, 0);
        const auto used_event = Read<std::uint16_t>(config_.driver, 4 + 2ULL * config_.size);
        bool interrupt = false;
        for (; published_ < given_; ++published_) {
            interrupt |= event_idx ? published_ % 0x1'0000 == used_event : (flags & kAvailNoInterrupt) == 0;
        }
        return interrupt;
    }

    [[nodiscard]] bool HasAvailable() const { return !fault_ && (believed_ != taken_ || Ahead() != 0); }
    void DisableNotify() {
        if ((features_ & kFeatureEventIdx) == 0) used_flags_ = kUsedNoNotify;
    }
    bool EnableNotify(std::uint16_t count) {
        if ((features_ & kFeatureEventIdx) == 0) {
            used_flags_ = 0;
            return HasAvailable();
        }
        avail_event_ = static_cast<std::uint16_t>(taken_ + count - 1);
        return count > 1 ? !fault_ && Ahead() >= count : HasAvailable();
    }

    [[nodiscard]] const std::set<std::uint16_t>& InFlight() const { return in_flight_; }
    [[nodiscard]] std::optional<QueueFault> Fault() const { return fault_; }

    // Whether the used ring in guest memory is what it must be.
    [[nodiscard]] bool UsedRingMatches() const {
        for (const auto& [slot, element] : used_) {
            if (Read<std::uint32_t>(config_.device, 4 + 8 * slot) != element.first) return false;
            if (Read<std::uint32_t>(config_.device, 8 + 8 * slot) != element.second) return false;
        }
        return Read<std::uint16_t>(config_.device, 0) == used_flags_ &&
               Read<std::uint16_t>(config_.device, 2) == published_ % 0x1'0000 &&
               Read<std::uint16_t>(config_.device, 4 + 8ULL * config_.size) == avail_event_;
    }

 private:
    QueueFault Break(QueueFault fault) {
        fault_ = fault;
        return fault;
    }

    // How far the driver's index is ahead, as 16 bits can say it.
    [[nodiscard]] std::uint16_t Ahead() const {
        return static_cast<std::uint16_t>(Read<std::uint16_t>(config_.driver, 2) - taken_ % 0x1'0000);
    }

    [[nodiscard]] std::variant<std::vector<Buffer>, QueueFault> Walk(std::uint16_t head, std::size_t limit) const {
        std::vector<Buffer> buffers;
        std::uint64_t total = 0;
        GuestAddress table = config_.desc;
        std::uint64_t entries = config_.size;
        bool indirect = false;
        std::uint16_t index = head;
        while (true) {
            const auto desc = Read<VirtqDesc>(table, std::uint64_t{index} * sizeof(VirtqDesc));
            if ((desc.flags & kDescIndirect) != 0) {
                if ((features_ & kFeatureIndirectDesc) == 0) return QueueFault::kIndirectNotOffered;
                if (indirect || (desc.flags & kDescNext) != 0) return QueueFault::kIndirectInvalid;
                if (desc.len == 0 || desc.len % 16 != 0) return QueueFault::kIndirectInvalid;
                if (!InMemory(desc.addr, desc.len)) return QueueFault::kBufferNotInMemory;
                table = GuestAddress(desc.addr);
                entries = desc.len / 16;
                indirect = true;
                index = 0;
                continue;
            }
            const bool writable = (desc.flags & kDescWrite) != 0;
            if (buffers.size() == limit) return QueueFault::kChainTooLong;
            if (!writable && !buffers.empty() && buffers.back().writable) return QueueFault::kReadableAfterWritable;
            if (desc.len == 0) return QueueFault::kBufferEmpty;
            if (!InMemory(desc.addr, desc.len)) return QueueFault::kBufferNotInMemory;
            buffers.push_back({GuestAddress(desc.addr), desc.len, writable});
            total += desc.len;
            if ((desc.flags & kDescNext) == 0) break;
            if (desc.next >= entries) return QueueFault::kNextOutOfRange;
            index = desc.next;
        }
        if (total >= std::uint64_t{1} << 32) return QueueFault::kChainTooLarge;
        return buffers;
    }

    // Byte ranges are compared as distances from the end, in 128 bits: nothing can wrap.
    [[nodiscard]] bool InMemory(std::uint64_t at, std::uint64_t length) const {
        __extension__ using Wide = unsigned __int128;
        for (const MemoryRegion& region : memory_->Regions()) {
            const Wide start = region.start.Value();
            if (at >= start && Wide{at} + length <= start + region.host.size()) return true;
        }
        return false;
    }

    template <typename T>
    [[nodiscard]] T Read(GuestAddress base, std::uint64_t offset) const {
        return memory_->Read<T>(GuestAddress(base.Value() + offset)).value();
    }

    const GuestMemory* memory_;
    QueueConfig config_;
    std::uint64_t features_;
    std::uint64_t taken_ = 0;      // chains popped so far
    std::uint64_t believed_ = 0;   // chains that the driver's index promised when it was last looked at
    std::uint64_t given_ = 0;      // chains pushed so far
    std::uint64_t published_ = 0;  // of them, made visible
    std::uint16_t used_flags_ = 0;
    std::uint16_t avail_event_ = 0;
    std::optional<QueueFault> fault_;
    std::set<std::uint16_t> in_flight_;
    std::map<std::uint64_t, std::pair<std::uint32_t, std::uint32_t>> used_;  // by slot
};

}  // namespace husk::testing
