// BlkQueues: the request queues of one block device (Virtio 1.2 §5.2.2), one or one for each CPU of the guest, served
// by one thread in turn. A driver that breaks one of them breaks the device.
#pragma once

#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

#include "devices/virtio/blk/blk_config.h"
#include "devices/virtio/driver_setup.h"
#include "devices/virtio/split_queue.h"
#include "vmm/memory/guest_memory.h"

namespace husk {

class BlkQueues {
 public:
    using Number = std::uint8_t;  // of an open queue

    // Those of `activation` that the driver uses, with their doorbells off. `memory` must stay until Close().
    [[nodiscard]] std::optional<QueueFault> Open(const GuestMemory& memory, const Activation& activation) {
        Close();
        for (const QueueConfig& config : std::span(activation.queues).first(kMaxBlkQueues)) {
            if (config.size == 0) continue;
            auto queue = SplitQueue::Create(memory, config, activation.features);
            if (!queue) return queue.error();
            queues_[count_++].emplace(std::move(*queue));
        }
        DisableNotify();
        return std::nullopt;
    }
    void Close() {
        for (auto& queue : queues_) queue.reset();
        count_ = turn_ = 0;
    }
    [[nodiscard]] bool AnyOpen() const { return count_ > 0; }

    // As SplitQueue::Pop(), from the queue whose turn it is or, when that is empty, the next one that is not. The chain
    // is of queue Turn(), until the next call. Only when AnyOpen().
    [[nodiscard]] SplitQueue::PopResult Pop(std::span<iovec> storage) {
        auto popped = queues_[turn_]->Pop(storage);
        for (std::size_t tried = 1; tried < count_ && popped && !popped->has_value(); ++tried) {
            NextTurn();
            popped = queues_[turn_]->Pop(storage);
        }
        return popped;
    }
    [[nodiscard]] Number Turn() const { return turn_; }
    // So that no queue waits behind a busy one for long.
    void NextTurn() { turn_ = static_cast<Number>(turn_ + 1U < count_ ? turn_ + 1 : 0); }

    void Push(Number queue, DescriptorChain&& chain, std::uint32_t written) {
        queues_[queue]->Push(std::move(chain), written);
    }
    // Of all queues; true when one wants an interrupt.
    [[nodiscard]] bool Publish() {
        bool wanted = false;
        for (auto& queue : Open()) wanted = queue->Publish() || wanted;
        return wanted;
    }
    // The driver has yet to look at chains of the queue whose turn it is: see SplitQueue.
    [[nodiscard]] bool DriverIsBehind() const { return queues_[turn_]->DriverIsBehind(); }

    [[nodiscard]] bool HasAvailable() const {
        return std::ranges::any_of(Open(), [](const auto& queue) { return queue->HasAvailable(); });
    }
    void DisableNotify() {
        for (auto& queue : Open()) queue->DisableNotify();
    }
    // All of them: a doorbell comes by the time that `count` chains are available, as each queue counts to its share of
    // them. True when one has that already.
    [[nodiscard]] bool EnableNotify(std::uint16_t count) {
        const auto share =
            static_cast<std::uint16_t>(std::max<std::size_t>(count / std::max<std::size_t>(count_, 1), 1));
        bool available = false;
        for (auto& queue : Open()) available = queue->EnableNotify(share) || available;
        return available;
    }

 private:
    using Queues = std::array<std::optional<SplitQueue>, kMaxBlkQueues>;
    [[nodiscard]] std::span<Queues::value_type> Open() { return std::span(queues_).first(count_); }
    [[nodiscard]] std::span<const Queues::value_type> Open() const { return std::span(queues_).first(count_); }

    Queues queues_;
    std::size_t count_ = 0;
    Number turn_ = 0;
};

}  // namespace husk
