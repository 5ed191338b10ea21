#include "devices/virtio/net/net_receiver.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "vmm/base/bytes.h"

namespace husk {

void NetReceiver::Activate(SplitQueue queue, std::uint64_t features) {
    Deactivate();
    queue_.emplace(std::move(queue));
    features_ = features;
}

void NetReceiver::Deactivate() {
    queue_.reset();
    for (Ready& ready : ready_) ready.chain.reset();
    ready_begin_ = ready_end_ = buffers_begin_ = buffers_end_ = bytes_ = 0;
    frame_ = spilled_ = 0;
    wanted_ = kSmallRoom;
    small_frames_ = 0;
    starved_ = false;
}

std::expected<bool, QueueFault> NetReceiver::Serve(NetBackend& wire, std::uint32_t wire_queue, unsigned limit,
                                                   NetDirection& counters) {
    if (!queue_) {
        starved_ = true;
        return false;
    }
    bool worked = false;
    for (unsigned count = 0; count < limit; ++count) {
        if (frame_ == 0) {
            const auto refilled = Refill(wanted_);
            if (!refilled) return std::unexpected(refilled.error());
            starved_ = bytes_ == 0;
            if (starved_) break;
            const std::span<const iovec> room = RoomForOne();
            const long got = wire.Receive(wire_queue, room);
            if (got == -EAGAIN) break;
            worked = true;
            if (got < 0) {
                counters.Dropped(NetDrop::kWire);
                break;
            }
            frame_ = static_cast<std::size_t>(got);
            if (frame_ < kNetHeaderBytes + kMinFrameBytes || frame_ > kFrameRoom) {
                counters.Dropped(NetDrop::kSize);
                frame_ = 0;
                continue;
            }
            spilled_ = frame_ - std::min(frame_, bytes_);
        }
        const auto delivered = Deliver(counters);
        if (!delivered) return std::unexpected(delivered.error());
        starved_ = !*delivered;
        if (starved_) break;
        worked = true;
    }
    return worked;
}

// Takes chains off the queue until they have `wanted` bytes. False when they cannot have them now.
std::expected<bool, QueueFault> NetReceiver::Refill(std::size_t wanted) {
    if (!Merges()) wanted = 1;  // a frame goes into the first chain or nowhere
    while (bytes_ < wanted) {
        if (!HasSpace() || ready_end_ == ready_.size()) MakeSpace();
        if (!HasSpace() || ready_end_ == ready_.size()) return false;
        auto popped = queue_->Pop(std::span(buffers_).subspan(buffers_end_, kNetQueueSize));
        if (!popped) return std::unexpected(popped.error());
        if (!*popped) return false;
        // Readable buffers do not belong into this queue; a chain without room for a header is of no use (§5.1.6.3.1).
        const std::span<const iovec> writable = (*popped)->Writable();
        std::size_t bytes = 0;
        for (const iovec& buffer : writable) bytes += buffer.iov_len;
        if (!(*popped)->Readable().empty() || bytes < kNetHeaderBytes) {
            return std::unexpected(QueueFault::kNoRoomForAnswer);
        }
        Ready& ready = ready_[ready_end_++];
        ready.chain.emplace(std::move(**popped));
        ready.buffers = static_cast<std::uint32_t>(writable.size());
        ready.bytes = bytes;
        buffers_end_ += writable.size();
        bytes_ += bytes;
    }
    return true;
}

// Moves what is at hand to the beginning.
void NetReceiver::MakeSpace() {
    for (std::size_t from = ready_begin_, to = 0; from != to && from < ready_end_; ++from, ++to) {
        std::swap(ready_[to], ready_[from]);
    }
    ready_end_ -= ready_begin_;
    ready_begin_ = 0;
    std::copy(buffers_.begin() + static_cast<std::ptrdiff_t>(buffers_begin_),
              buffers_.begin() + static_cast<std::ptrdiff_t>(buffers_end_), buffers_.begin());
    buffers_end_ -= buffers_begin_;
    buffers_begin_ = 0;
}

// All that is at hand (without MRG_RXBUF: one chain), and the spill.
std::span<const iovec> NetReceiver::RoomForOne() {
    buffers_[buffers_end_] = {spill_->data(), spill_->size()};
    return std::span(buffers_).subspan(buffers_begin_, buffers_end_ - buffers_begin_ + 1);
}

// False: it has to wait for more buffers.
std::expected<bool, QueueFault> NetReceiver::Deliver(NetDirection& counters) {
    const std::size_t direct = frame_ - spilled_;
    if (bytes_ < frame_ && Merges()) {
        const auto refilled = Refill(frame_);
        if (!refilled) return std::unexpected(refilled.error());
        // Unless no driver could give more than it has given.
        if (!*refilled && queue_->InFlight() < queue_->Size() && HasSpace()) return false;
    }
    if (spilled_ > 0 && Merges()) {
        wanted_ = kFrameRoom;
        small_frames_ = 0;
    } else if (frame_ <= kSmallRoom && ++small_frames_ == kSmallFramesInARow) {
        wanted_ = kSmallRoom;
        small_frames_ = 0;
    }
    if (bytes_ < frame_) {
        counters.Dropped(NetDrop::kNoRoom);
    } else {
        Write(direct, std::span(*spill_).first(spilled_));
        counters.Passed(frame_ - kNetHeaderBytes);
        GiveBack();
    }
    frame_ = spilled_ = 0;
    return true;
}

void NetReceiver::GiveBack() {
    std::uint16_t chains = 0;
    for (std::size_t covered = 0; covered < frame_; ++chains) covered += ready_[ready_begin_ + chains].bytes;
    Write(offsetof(NetHeader, num_buffers), BytesOf(chains));
    // §5.1.6.4.1: the kernel says "already verified" to anybody; this driver did not ask for it.
    constexpr std::uint8_t kNoFlags = 0;
    if ((features_ & kFeatureNetGuestCsum) == 0) Write(offsetof(NetHeader, flags), BytesOf(kNoFlags));
    for (std::size_t left = frame_; left > 0;) {
        Ready& ready = ready_[ready_begin_++];
        const std::size_t written = std::min(left, ready.bytes);
        queue_->Push(std::move(*ready.chain), static_cast<std::uint32_t>(written));
        ready.chain.reset();
        left -= written;
        bytes_ -= ready.bytes;
        buffers_begin_ += ready.buffers;
    }
    if (ready_begin_ == ready_end_) ready_begin_ = ready_end_ = buffers_begin_ = buffers_end_ = 0;
}

// Over the buffers at hand, `offset` bytes from their beginning.
void NetReceiver::Write(std::size_t offset, std::span<const std::byte> bytes) {
    for (std::size_t at = buffers_begin_; !bytes.empty(); ++at) {
        const iovec& buffer = buffers_[at];
        if (offset >= buffer.iov_len) {
            offset -= buffer.iov_len;
            continue;
        }
        const std::size_t part = std::min(bytes.size(), buffer.iov_len - offset);
        std::memcpy(static_cast<std::byte*>(buffer.iov_base) + offset, bytes.data(), part);
        bytes = bytes.subspan(part);
        offset = 0;
    }
}

}  // namespace husk
