#include "devices/virtio/net/net_transmitter.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "devices/virtio/net/net_header.h"

namespace husk {
namespace {

// Moves the first bytes of `from` to `to`; gives how many those were. `from` becomes what is left.
std::size_t TakeFront(std::span<iovec>& from, std::span<std::byte> to) {
    std::size_t taken = 0;
    while (!from.empty() && taken < to.size()) {
        iovec& buffer = from.front();
        const std::size_t part = std::min(buffer.iov_len, to.size() - taken);
        std::memcpy(to.data() + taken, buffer.iov_base, part);
        taken += part;
        buffer.iov_base = static_cast<std::byte*>(buffer.iov_base) + part;
        buffer.iov_len -= part;
        if (buffer.iov_len == 0) from = from.subspan(1);
    }
    return taken;
}

}  // namespace

std::expected<bool, QueueFault> NetTransmitter::Serve(NetBackend& wire, std::uint32_t wire_queue, FrameGate& gate,
                                                      unsigned limit, NetDirection& counters) {
    if (!queue_) return false;
    bool worked = false;
    for (unsigned count = 0; count < limit; ++count) {
        if (held_ == Held::kNo) {
            auto popped = queue_->Pop(std::span(buffers_).subspan(2));
            if (!popped) return std::unexpected(popped.error());
            if (!*popped) break;
            chain_.emplace(std::move(**popped));
            worked = true;
            if (!Prepare(gate, counters)) {
                Finish();
                continue;
            }
        }
        if (held_ != Held::kByWire && !gate.TakeOut(frame_bytes_)) {
            if (held_ == Held::kNo) counters.waits.Add();
            held_ = Held::kByRate;
            break;
        }
        const int error = wire.Send(wire_queue, frame_);
        held_ = error == EAGAIN ? Held::kByWire : Held::kNo;
        if (Blocked()) break;
        worked = true;
        if (error == 0) {
            counters.Passed(frame_bytes_);
            if (gate.Captures()) gate.Capture(frame_.subspan(1));
        } else {
            counters.Dropped(NetDrop::kWire);
        }
        Finish();
    }
    return worked;
}

// From the chain just popped to the frame as it is to be sent. False: it is dropped, and counted.
bool NetTransmitter::Prepare(const FrameGate& gate, NetDirection& counters) {
    std::span<iovec> rest = chain_->Readable();  // device-writable buffers do not belong here: left alone
    std::size_t total = 0;
    for (const iovec& buffer : rest) total += buffer.iov_len;
    if (total < kNetHeaderBytes + kMinFrameBytes || total > kNetHeaderBytes + kMaxFrameBytes) {
        counters.Dropped(NetDrop::kSize);
        return false;
    }
    frame_bytes_ = total - kNetHeaderBytes;
    (void)TakeFront(rest, std::as_writable_bytes(std::span(&front_.header, 1)));
    const std::size_t copied = TakeFront(rest, front_.head);
    const auto head = std::span(front_.head).first(std::min(copied, kFrameHeadBytes));
    if (!SanitizeHeader(front_.header, frame_bytes_, features_) ||
        !gate.MayCompleteChecksum(front_.header, head, frame_bytes_)) {
        counters.Dropped(NetDrop::kHeader);
        return false;
    }
    if (!gate.Passes(head, frame_bytes_, counters)) return false;
    // The two entries before the rest: of buffers_, which begins with two of ours.
    const auto at = static_cast<std::size_t>(rest.data() - buffers_.data()) - 2;
    frame_ = std::span(buffers_).subspan(at, 2 + rest.size());
    frame_[0] = {&front_.header, sizeof front_.header};
    frame_[1] = {front_.head.data(), copied};
    return true;
}

void NetTransmitter::Finish() {
    queue_->Push(std::move(*chain_), 0);
    chain_.reset();
}

}  // namespace husk
