// QueueSession: a SplitQueue and a QueueModel side by side, and a driver and a device that do what a Decider says: keep
// the rules, or break them in every way a driver can. After each step all that can be seen of both must be equal.
//
// A Decider has `std::uint32_t Below(std::uint32_t n)`: a number below n (n > 0). The random test takes them from a
// generator, the fuzz target from its input.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "devices/virtio/split_queue.h"
#include "tests/support/queue_model.h"
#include "tests/support/virtio_rings.h"
#include "vmm/memory/address_map.h"

namespace husk::testing {

template <typename Decider>
class QueueSession {
 public:
    // RAM that has both parts, so that addresses can be at every edge there is. Sparse: costs only what is touched.
    static GuestMemory MakeMemory() {
        return GuestMemory::Create(address_map::kLowRamEnd.Value() + 16 * address_map::kMiB).value();
    }

    // `hostility`: of how many thousand fields one is spoiled.
    QueueSession(const GuestMemory& memory, Decider& decide, std::uint32_t hostility)
        : memory_(&memory),
          decide_(&decide),
          hostility_(hostility),
          rings_(memory, GuestAddress(0x10'0000), static_cast<std::uint16_t>(1U << decide.Below(7))),
          features_((decide.Below(2) != 0 ? kFeatureEventIdx : 0) | (decide.Below(4) != 0 ? kFeatureIndirectDesc : 0)),
          model_(memory, rings_.Config(), features_) {
        const auto bytes = memory.Slice(GuestAddress(0x10'0000), kTables.Value() - 0x10'0000 + kTableBytes).value();
        std::ranges::fill(bytes, std::byte{0});
        queue_ = std::make_unique<SplitQueue>(SplitQueue::Create(memory, rings_.Config(), features_).value());
        for (std::uint16_t i = 0; i < rings_.Config().size; ++i) free_.push_back(i);
    }

    // Nothing, or what differs.
    [[nodiscard]] const char* Step() {
        switch (decide_->Below(16)) {
            case 0:
            case 1:
            case 2:
            case 3:
                AddChain();
                return nullptr;
            case 4:
            case 5:
                Expose();
                return nullptr;
            case 6:
            case 7:
            case 8:
                return PopBoth();
            case 9:
            case 10:
                return PushBoth();
            case 11:
                return queue_->Publish() == model_.Publish() ? Compare() : "Publish";
            case 12:
                return EnableBoth();
            case 13:
                queue_->DisableNotify();
                model_.DisableNotify();
                return Compare();
            case 14:
                rings_.SetAvailableFlags(static_cast<std::uint16_t>(decide_->Below(4)));
                rings_.SetUsedEvent(static_cast<std::uint16_t>(rings_.UsedIndex() + decide_->Below(4) - 1));
                return nullptr;
            default:
                Scribble();
                return queue_->HasAvailable() == model_.HasAvailable() ? nullptr : "HasAvailable";
        }
    }

    [[nodiscard]] bool Broken() const { return model_.Fault().has_value(); }
    [[nodiscard]] std::optional<QueueFault> Fault() const { return model_.Fault(); }
    [[nodiscard]] std::uint64_t Served() const { return served_; }

 private:
    static constexpr GuestAddress kTables{0x11'0000};  // of indirect descriptors
    static constexpr std::uint64_t kTableBytes = 0x1'0000;

    struct Taken {
        DescriptorChain chain;
        std::vector<std::uint16_t> descriptors;
    };

    // A chain of 1 to 5 buffers, direct, in an indirect table, or both.
    void AddChain() {
        const std::uint32_t direct = 1 + decide_->Below(3);
        const bool indirect = (features_ & kFeatureIndirectDesc) != 0 && decide_->Below(3) == 0;
        if (free_.size() < direct) return;
        std::vector<std::uint16_t> descriptors(free_.begin(), free_.begin() + direct);
        free_.erase(free_.begin(), free_.begin() + direct);
        const std::uint32_t room = Spoils() ? 3 : std::min(3U, rings_.Config().size - direct + 1);
        const std::uint32_t inside = indirect ? 1 + decide_->Below(room) : 0;
        const std::uint32_t buffers = direct - (indirect ? 1 : 0) + inside;
        const std::uint32_t readable = decide_->Below(buffers + 1);
        huge_ = Spoils();
        for (std::uint32_t i = 0; i < direct; ++i) {
            const bool last = i + 1 == direct;
            VirtqDesc desc =
                indirect && last ? MakeTable(descriptors[i], inside, i, readable) : MakeBuffer(i >= readable);
            if (!last) {
                desc.flags |= kDescNext;
                desc.next = descriptors[i + 1];
            }
            rings_.SetDescriptor(descriptors[i], Spoil(desc));
        }
        std::uint16_t head = descriptors[0];
        if (Spoils()) head = static_cast<std::uint16_t>(decide_->Below(2U * rings_.Config().size));
        rings_.SetAvailable(added_++, head);
        sent_.push_back(std::move(descriptors));
    }

    VirtqDesc MakeBuffer(bool writable) {
        if (huge_) return {.addr = 0, .len = 0xa000'0000, .flags = writable ? kDescWrite : std::uint16_t{0}, .next = 0};
        const std::uint64_t addr = 0x20'0000 + decide_->Below(256) * 4096ULL;
        const auto len = decide_->Below(4) == 0 ? decide_->Below(65536) + 1 : 512;
        return {.addr = addr, .len = len, .flags = writable ? kDescWrite : std::uint16_t{0}, .next = 0};
    }

    // A descriptor `owner` for a table of `inside` buffers, which come after `before` others. Nothing says that tables
    // are aligned.
    VirtqDesc MakeTable(std::uint16_t owner, std::uint32_t inside, std::uint32_t before, std::uint32_t readable) {
        const GuestAddress table(kTables.Value() + owner * 256ULL + (decide_->Below(8) == 0 ? 1 : 0));
        for (std::uint32_t i = 0; i < inside; ++i) {
            VirtqDesc desc = MakeBuffer(before + i >= readable);
            if (i + 1 < inside) {
                desc.flags |= kDescNext;
                desc.next = static_cast<std::uint16_t>(i + 1);
            }
            rings_.SetDescriptorAt(table, i, Spoil(desc));
        }
        const bool ignored = decide_->Below(4) == 0;
        return {.addr = table.Value(),
                .len = inside * 16,
                .flags = static_cast<std::uint16_t>(kDescIndirect | (ignored ? kDescWrite : 0)),
                .next = 0};
    }

    [[nodiscard]] bool Spoils() { return hostility_ > 0 && decide_->Below(1000) < hostility_; }

    VirtqDesc Spoil(VirtqDesc desc) {
        if (!Spoils()) return desc;
        switch (decide_->Below(4)) {
            case 0: {
                const std::array<std::uint64_t, 6> edges{0,
                                                         address_map::kLowRamEnd.Value(),
                                                         address_map::kHighRamStart.Value(),
                                                         address_map::kHighRamStart.Value() + 16 * address_map::kMiB,
                                                         rings_.Config().device.Value(),
                                                         ~std::uint64_t{0}};
                desc.addr = edges[decide_->Below(edges.size())] + decide_->Below(4) * 256 - 512;
                break;
            }
            case 1: {
                const std::array<std::uint32_t, 6> lengths{0, 1, 16, 24, 0x8000'0000, ~std::uint32_t{0}};
                desc.len = lengths[decide_->Below(lengths.size())];
                break;
            }
            case 2:
                desc.flags = static_cast<std::uint16_t>(decide_->Below(16));
                break;
            default:
                desc.flags |= kDescNext;
                desc.next = static_cast<std::uint16_t>(decide_->Below(2U * rings_.Config().size));
                break;
        }
        return desc;
    }

    void Expose() {
        if (Spoils()) added_ = static_cast<std::uint16_t>(added_ + decide_->Below(3U * rings_.Config().size));
        if (Spoils()) added_ = static_cast<std::uint16_t>(decide_->Below(0x1'0000));
        rings_.SetAvailableIndex(added_);
    }

    // Anything, anywhere in the driver's part.
    void Scribble() {
        if (!Spoils()) return;
        const auto table = memory_->Slice(rings_.Config().desc, rings_.Config().size * 16ULL).value();
        table[decide_->Below(static_cast<std::uint32_t>(table.size()))] = static_cast<std::byte>(decide_->Below(256));
    }

    const char* PopBoth() {
        const std::span<iovec> room = std::span(storage_).first(Spoils() ? decide_->Below(4) : storage_.size());
        const QueueModel::Popped expected = model_.Pop(room.size());
        auto popped = queue_->Pop(room);
        if (!popped) {
            const auto* fault = std::get_if<QueueFault>(&expected);
            return fault != nullptr && *fault == popped.error() ? Compare() : "fault of Pop";
        }
        if (!*popped) return std::holds_alternative<std::monostate>(expected) ? Compare() : "Pop finds nothing";
        const auto* chain = std::get_if<QueueModel::Chain>(&expected);
        if (chain == nullptr || !Same(*chain, **popped)) return "chain of Pop";
        std::vector<std::uint16_t> descriptors;
        if (!sent_.empty()) {
            descriptors = std::move(sent_.front());
            sent_.pop_front();
        }
        taken_.push_back({std::move(**popped), std::move(descriptors)});
        return Compare();
    }

    bool Same(const QueueModel::Chain& expected, const DescriptorChain& got) const {
        if (got.Head() != expected.head) return false;
        if (got.Readable().size() + got.Writable().size() != expected.buffers.size()) return false;
        for (std::size_t i = 0; i < expected.buffers.size(); ++i) {
            const bool writable = i >= got.Readable().size();
            const iovec& buffer = writable ? got.Writable()[i - got.Readable().size()] : got.Readable()[i];
            const QueueModel::Buffer& wanted = expected.buffers[i];
            if (writable != wanted.writable || buffer.iov_len != wanted.length) return false;
            if (buffer.iov_base != memory_->Slice(wanted.at, wanted.length).value().data()) return false;
        }
        return true;
    }

    const char* PushBoth() {
        if (taken_.empty()) return nullptr;
        const auto which = taken_.begin() + decide_->Below(static_cast<std::uint32_t>(taken_.size()));
        const std::uint32_t written = decide_->Below(1024);
        model_.Push(which->chain.Head(), written);
        queue_->Push(std::move(which->chain), written);
        free_.insert(free_.end(), which->descriptors.begin(), which->descriptors.end());
        taken_.erase(which);
        ++served_;
        return Compare();
    }

    const char* EnableBoth() {
        const auto count = static_cast<std::uint16_t>(1 + decide_->Below(4));
        return queue_->EnableNotify(count) == model_.EnableNotify(count) ? Compare() : "EnableNotify";
    }

    const char* Compare() const {
        if (queue_->InFlight() != model_.InFlight().size()) return "InFlight";
        return model_.UsedRingMatches() ? nullptr : "used ring";
    }

    const GuestMemory* memory_;
    Decider* decide_;
    std::uint32_t hostility_;
    VirtioRings rings_;
    std::uint64_t features_;
    QueueModel model_;
    std::unique_ptr<SplitQueue> queue_;
    std::array<iovec, 64> storage_{};
    std::uint16_t added_ = 0;
    bool huge_ = false;  // the buffers of the chain that is being made: two are more than 2^32 bytes
    std::vector<std::uint16_t> free_;
    std::deque<std::vector<std::uint16_t>> sent_;  // descriptors of chains that were not popped yet
    std::vector<Taken> taken_;
    std::uint64_t served_ = 0;
};

}  // namespace husk::testing
