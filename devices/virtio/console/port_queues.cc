#include "devices/virtio/console/port_queues.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace husk {

static_assert(ConsoleSession::kChainsPerCall >= 2 * console_config::kQueueSize);

std::optional<QueueFault> PortQueues::Open(const GuestMemory& memory, const QueueConfig& receive,
                                           const QueueConfig& transmit, std::uint64_t features, bool open) {
    for (const auto& [config, queue] : {std::pair(&receive, &receive_), std::pair(&transmit, &transmit_)}) {
        if (config->size == 0) continue;
        auto created = SplitQueue::Create(memory, *config, features);
        if (!created) return created.error();
        queue->emplace(std::move(*created));
    }
    // Room for typed bytes matters only while some wait.
    if (receive_) receive_->DisableNotify();
    SetGuestOpen(open);
    return std::nullopt;
}

void PortQueues::Close() {
    SetGuestOpen(false);
    chain_.reset();
    receive_.reset();
    transmit_.reset();
    batch_open_ = interrupt_owed_ = false;
}

void PortQueues::SetGuestOpen(bool open) {
    if (open && !guest_open_) ++openings_;
    guest_open_ = open;
}

void PortQueues::GiveBack(SplitQueue& queue, DescriptorChain&& chain, std::uint32_t written) {
    queue.Push(std::move(chain), written);
    batch_open_ = true;
}

std::size_t PortQueues::Take(std::span<std::byte> room) {
    if (!Live() || !transmit_) return 0;
    transmit_->DisableNotify();
    std::size_t taken = 0;
    for (int popped = 0; taken < room.size();) {
        if (!chain_) {
            if (popped++ == ConsoleSession::kChainsPerCall) break;
            chain_ = session_.Pop(*transmit_, transmit_buffers_);
            if (!chain_) break;
            chain_buffer_ = chain_offset_ = 0;
        }
        taken += CopyFromChain(room.subspan(taken));
        // Device-writable buffers do not belong into this queue (§5.3.6): left alone.
        if (chain_buffer_ < chain_->Readable().size()) break;
        GiveBack(*transmit_, std::move(*chain_), 0);
        chain_.reset();
    }
    session_.stats.bytes_in.Add(taken);
    return taken;
}

// Moves the cursor; a chain is done when it stands behind the last buffer.
std::size_t PortQueues::CopyFromChain(std::span<std::byte> room) {
    const std::span<const iovec> buffers = chain_->Readable();
    std::size_t copied = 0;
    while (chain_buffer_ < buffers.size()) {
        const iovec& buffer = buffers[chain_buffer_];
        const std::size_t count = std::min(buffer.iov_len - chain_offset_, room.size() - copied);
        std::memcpy(room.data() + copied, static_cast<const std::byte*>(buffer.iov_base) + chain_offset_, count);
        copied += count;
        chain_offset_ += count;
        if (chain_offset_ < buffer.iov_len) break;
        ++chain_buffer_;
        chain_offset_ = 0;
    }
    return copied;
}

bool PortQueues::HasOutput() const { return Live() && transmit_ && (chain_ || transmit_->HasAvailable()); }

std::size_t PortQueues::Put(std::span<const std::byte> typed) {
    if (!GuestOpen() || !receive_) return 0;
    receive_->DisableNotify();
    std::size_t put = 0;
    for (int popped = 0; put < typed.size() && popped < ConsoleSession::kChainsPerCall; ++popped) {
        auto chain = session_.Pop(*receive_, receive_buffers_);
        if (!chain) break;
        std::size_t written = 0;
        for (const iovec& buffer : chain->Writable()) {
            const std::size_t count = std::min(buffer.iov_len, typed.size() - put);
            std::memcpy(buffer.iov_base, typed.data() + put, count);
            put += count;
            written += count;
        }
        GiveBack(*receive_, std::move(*chain), static_cast<std::uint32_t>(written));
    }
    session_.stats.bytes_out.Add(put);
    return put;
}

// Also after a fault: what was given back before it is the driver's.
void PortQueues::Flush() {
    if (!std::exchange(batch_open_, false)) return;
    session_.stats.batches.Add();
    const bool output_wanted = transmit_ && transmit_->Publish();
    const bool input_wanted = receive_ && receive_->Publish();
    if (output_wanted && !input_wanted && transmit_->UsesEventIndex()) {
        interrupt_owed_ = true;
        return;
    }
    if (!output_wanted && !input_wanted) return;
    interrupt_owed_ = false;
    session_.Interrupt();
}

void PortQueues::Settle() {
    if (std::exchange(interrupt_owed_, false) && transmit_->DriverIsBehind()) session_.Interrupt();
}

bool PortQueues::Sleep(bool for_output, bool for_room) {
    Settle();
    if (!Live()) return true;
    const bool output = for_output && transmit_ && (chain_ || transmit_->EnableNotify());
    const bool room = for_room && guest_open_ && receive_ && receive_->EnableNotify();
    return !output && !room;
}

}  // namespace husk
