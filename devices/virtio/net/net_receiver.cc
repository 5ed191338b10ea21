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
    starved_ = waits_ = false;
}

std::expected<bool, QueueFault> NetReceiver::Serve(NetBackend& wire, std::uint32_t wire_queue, FrameGate& gate,
                                                   unsigned limit, NetDirection& counters) {
    waited_ = std::exchange(waits_, false);
    starved_ = !queue_;
    bool worked = false;
    for (unsigned count = 0; queue_ && count < limit; ++count) {
        if (frame_ == 0) {
            const auto refilled = Refill(wanted_);
            if (!refilled) return std::unexpected(refilled.error());
            starved_ = bytes_ == 0;
            if (starved_ || !Receive(wire, wire_queue, gate, counters)) break;
            worked = true;
            if (frame_ == 0) continue;
        }
        const auto delivered = Deliver(gate, counters);
        if (!delivered) return std::unexpected(delivered.error());
        starved_ = !*delivered;
        if (starved_) break;
        worked = true;
    }
    return worked;
}

// Takes the next frame off the wire, unless it is one to drop. False: there is none.
bool NetReceiver::Receive(NetBackend& wire, std::uint32_t wire_queue, FrameGate& gate, NetDirection& counters) {
    if (!gate.AllowsIn()) {
        waits_ = true;
        if (!waited_) counters.waits.Add();
        return false;
    }
    const bool look_first = gate.LooksAtIncoming();
    const long got = wire.Receive(wire_queue, RoomForOne(look_first));
    if (got == -EAGAIN) return false;
    if (got < 0) {
        counters.Dropped(NetDrop::kWire);
        return false;
    }
    const auto bytes = static_cast<std::size_t>(got);
    gate.PayIn(bytes);
    if (bytes < kNetHeaderBytes + kMinFrameBytes || bytes > kFrameRoom) {
        counters.Dropped(NetDrop::kSize);
        return true;
    }
    if (look_first) {
        const std::span frame = std::span(*spill_).subspan(kNetHeaderBytes, bytes - kNetHeaderBytes);
        const auto head = frame.first(std::min(frame.size(), kFrameHeadBytes));
        if (!gate.PassesIn(head, frame.size(), counters)) return true;
    }
    frame_ = bytes;
    spilled_ = look_first ? bytes : bytes - std::min(bytes, bytes_);
    return true;
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
std::span<const iovec> NetReceiver::RoomForOne(bool spill_only) {
    buffers_[buffers_end_] = {spill_->data(), spill_->size()};
    const std::size_t begin = spill_only ? buffers_end_ : buffers_begin_;
    return std::span(buffers_).subspan(begin, buffers_end_ - begin + 1);
}

// False: it has to wait for more buffers.
std::expected<bool, QueueFault> NetReceiver::Deliver(FrameGate& gate, NetDirection& counters) {
    const std::size_t direct = frame_ - spilled_;
    if (bytes_ < frame_ && Merges()) {
        const auto refilled = Refill(frame_);
        if (!refilled) return std::unexpected(refilled.error());
        // Unless no driver could give more than it has given.
        if (!*refilled && queue_->InFlight() < queue_->Size() && HasSpace()) return false;
    }
    if (spilled_ > 0 && direct > 0 && Merges()) {
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
        if (gate.Captures()) Capture(gate);
        GiveBack();
    }
    frame_ = spilled_ = 0;
    return true;
}

// The frame as it lies in the driver's buffers: without its header.
void NetReceiver::Capture(FrameGate& gate) const {
    std::array<iovec, PcapWriter::kMaxPieces> pieces{};
    std::size_t count = 0;
    std::size_t skip = kNetHeaderBytes;
    std::size_t left = frame_ - kNetHeaderBytes;
    for (std::size_t at = buffers_begin_; left > 0 && count < pieces.size(); ++at) {
        const iovec& buffer = buffers_[at];
        const std::size_t begin = std::min(skip, buffer.iov_len);
        skip -= begin;
        const std::size_t length = std::min(left, buffer.iov_len - begin);
        if (length == 0) continue;
        pieces[count++] = {static_cast<std::byte*>(buffer.iov_base) + begin, length};
        left -= length;
    }
    gate.Capture(std::span(pieces).first(count));
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
