#include "devices/virtio/console/console_device.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace husk {
namespace {

// Chains popped in one call: what a driver that only sends useless ones can make us do before others get their turn.
constexpr int kChainsPerCall = 2 * console_config::kQueueSize;

}  // namespace

std::optional<QueueFault> ConsoleDevice::Activate(const GuestMemory& memory, const Activation& activation) {
    Deactivate();
    const auto fault = OpenQueues(memory, activation);
    live_ = !fault;
    if (fault) Deactivate();
    return fault;
}

std::optional<QueueFault> ConsoleDevice::OpenQueues(const GuestMemory& memory, const Activation& activation) {
    const std::uint64_t features = activation.features & console_config::kFeatures;
    for (const auto& [index, queue] :
         {std::pair(console_config::kReceiveQueue, &receive_), std::pair(console_config::kTransmitQueue, &transmit_)}) {
        const QueueConfig& config = activation.queues[index];
        if (config.size == 0) continue;
        auto created = SplitQueue::Create(memory, config, features);
        if (!created) return created.error();
        queue->emplace(std::move(*created));
    }
    // Room for typed bytes matters only while some wait.
    if (receive_) receive_->DisableNotify();
    return std::nullopt;
}

void ConsoleDevice::Deactivate() {
    live_ = false;
    chain_.reset();
    receive_.reset();
    transmit_.reset();
    batch_open_ = false;
    fault_.reset();
}

std::optional<QueueFault> ConsoleDevice::TakeFault() { return std::exchange(fault_, std::nullopt); }

std::optional<DescriptorChain> ConsoleDevice::Pop(SplitQueue& queue, Buffers& buffers) {
    auto popped = queue.Pop(buffers);
    if (!popped) {
        fault_ = popped.error();
        live_ = false;
        return std::nullopt;
    }
    if (*popped) stats_.requests.Add();
    return std::move(*popped);
}

void ConsoleDevice::GiveBack(SplitQueue& queue, DescriptorChain&& chain, std::uint32_t written) {
    queue.Push(std::move(chain), written);
    batch_open_ = true;
}

std::size_t ConsoleDevice::Take(std::span<std::byte> room) {
    if (!live_ || !transmit_) return 0;
    transmit_->DisableNotify();
    std::size_t taken = 0;
    for (int popped = 0; taken < room.size();) {
        if (!chain_) {
            if (popped++ == kChainsPerCall) break;
            chain_ = Pop(*transmit_, transmit_buffers_);
            if (!chain_) break;
            chain_buffer_ = chain_offset_ = 0;
        }
        taken += CopyFromChain(room.subspan(taken));
        // Device-writable buffers do not belong into this queue (§5.3.6): left alone.
        if (chain_buffer_ < chain_->Readable().size()) break;
        GiveBack(*transmit_, std::move(*chain_), 0);
        chain_.reset();
    }
    stats_.bytes_in.Add(taken);
    return taken;
}

// Moves the cursor; a chain is done when it stands behind the last buffer.
std::size_t ConsoleDevice::CopyFromChain(std::span<std::byte> room) {
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

bool ConsoleDevice::HasOutput() const { return live_ && transmit_ && (chain_ || transmit_->HasAvailable()); }

std::size_t ConsoleDevice::Put(std::span<const std::byte> typed) {
    if (!live_ || !receive_) return 0;
    receive_->DisableNotify();
    std::size_t put = 0;
    for (int popped = 0; put < typed.size() && popped < kChainsPerCall; ++popped) {
        auto chain = Pop(*receive_, receive_buffers_);
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
    stats_.bytes_out.Add(put);
    return put;
}

// Also after a fault: what was given back before it is the driver's.
void ConsoleDevice::Flush() {
    if (!std::exchange(batch_open_, false)) return;
    bool wanted = receive_ && receive_->Publish();
    wanted = (transmit_ && transmit_->Publish()) || wanted;
    stats_.batches.Add();
    if (!wanted) return;
    stats_.interrupts.Add();
    interrupt_.Signal();
}

bool ConsoleDevice::Sleep(bool for_output, bool for_room) {
    if (!live_) return true;
    const bool output = for_output && transmit_ && (chain_ || transmit_->EnableNotify());
    const bool room = for_room && receive_ && receive_->EnableNotify();
    return !output && !room;
}

}  // namespace husk
