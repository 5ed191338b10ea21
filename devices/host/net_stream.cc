#include "devices/host/net_stream.h"

#include <poll.h>
#include <sys/uio.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <utility>

#include "vmm/base/clock.h"
#include "vmm/base/syscalls.h"

namespace husk {
namespace {

constexpr std::uint64_t kFinishNanoseconds = 1'000'000'000;
constexpr int kFinishStepMilliseconds = 50;

// Copies `bytes` to the beginning of `room`, as far as that reaches.
void Scatter(std::span<const std::byte> bytes, std::span<const iovec> room, std::size_t skip) {
    for (const iovec& buffer : room) {
        if (skip >= buffer.iov_len) {
            skip -= buffer.iov_len;
            continue;
        }
        const std::size_t part = std::min(bytes.size(), buffer.iov_len - skip);
        std::memcpy(static_cast<std::byte*>(buffer.iov_base) + skip, bytes.data(), part);
        bytes = bytes.subspan(part);
        skip = 0;
        if (bytes.empty()) return;
    }
}

}  // namespace

int NetStream::Send(std::uint32_t, std::span<iovec> frame) {
    if (gone_) return ENETDOWN;
    if (HoldsOutput()) FlushOutput();
    if (HoldsOutput()) return EAGAIN;
    std::size_t length = 0;
    for (const iovec& buffer : frame.subspan(1)) length += buffer.iov_len;
    if (length > kMaxFrameBytes) return EMSGSIZE;
    const std::uint32_t prefix = __builtin_bswap32(static_cast<std::uint32_t>(length));
    const iovec header = frame[0];
    frame[0] = {const_cast<std::uint32_t*>(&prefix), sizeof prefix};
    long sent = -EINTR;
    while (sent == -EINTR) sent = RawSyscall(SYS_writev, fd_, frame.data(), frame.size());
    if (sent >= 0) {
        Keep(frame, static_cast<std::size_t>(sent));
        return 0;
    }
    frame[0] = header;
    if (sent != -EAGAIN) gone_ = true;
    return static_cast<int>(-sent);
}

// What of `frame` was not sent.
void NetStream::Keep(std::span<const iovec> frame, std::size_t sent) {
    out_begin_ = out_end_ = 0;
    for (const iovec& buffer : frame) {
        const std::size_t skip = std::min(sent, buffer.iov_len);
        sent -= skip;
        std::memcpy(buffers_->out.data() + out_end_, static_cast<const std::byte*>(buffer.iov_base) + skip,
                    buffer.iov_len - skip);
        out_end_ += buffer.iov_len - skip;
    }
}

void NetStream::FlushOutput() {
    while (HoldsOutput() && !gone_) {
        const long sent = RawWrite(fd_, std::span(buffers_->out).subspan(out_begin_, out_end_ - out_begin_));
        if (sent == -EINTR) continue;
        if (sent == -EAGAIN) return;
        if (sent < 0) gone_ = true;
        if (sent > 0) out_begin_ += static_cast<std::size_t>(sent);
    }
    if (gone_) out_begin_ = out_end_ = 0;
}

std::uint32_t NetStream::FrontLength() const {
    std::uint32_t prefix = 0;
    std::memcpy(&prefix, buffers_->in.data() + in_begin_, sizeof prefix);
    return __builtin_bswap32(prefix);
}

std::size_t NetStream::FrontBytes() const {
    if (Buffered() < kPrefix) return 0;
    const std::size_t bytes = kPrefix + FrontLength();
    return bytes <= Buffered() ? bytes : 0;
}

bool NetStream::HoldsInput() const { return !gone_ && FrontBytes() > 0; }

int NetStream::Fill(std::size_t limit) {
    if (in_begin_ == in_end_) in_begin_ = in_end_ = 0;
    if (kInputBytes - in_begin_ < kPrefix + kMaxFrameBytes) {
        std::memmove(buffers_->in.data(), buffers_->in.data() + in_begin_, Buffered());
        in_end_ -= std::exchange(in_begin_, 0);
    }
    const std::size_t room = std::min(limit, kInputBytes - in_end_);
    long got = -EINTR;
    while (got == -EINTR) got = RawRead(fd_, std::span(buffers_->in).subspan(in_end_, room));
    if (got > 0) {
        in_end_ += static_cast<std::size_t>(got);
        return 0;
    }
    if (got != -EAGAIN) gone_ = true;
    return got == 0 ? ENETDOWN : static_cast<int>(-got);
}

long NetStream::Receive(std::uint32_t, std::span<const iovec> room) {
    if (gone_) return -EAGAIN;
    while (FrontBytes() == 0) {
        if (Buffered() >= kPrefix && FrontLength() > kMaxFrameBytes) {
            gone_ = true;  // no frame is as long: this is another protocol
            return -EPROTO;
        }
        if (const int error = Fill(kInputBytes)) return -error;
    }
    const std::size_t length = FrontLength();
    if (length > kMaxFrameBytes) {
        gone_ = true;
        return -EPROTO;
    }
    constexpr std::array<std::byte, kNetHeaderBytes> kPlain{};
    Scatter(kPlain, room, 0);
    Scatter(std::span(buffers_->in).subspan(in_begin_ + kPrefix, length), room, kNetHeaderBytes);
    in_begin_ += kPrefix + length;
    return static_cast<long>(kNetHeaderBytes + length);
}

bool NetStream::Finish() {
    const std::uint64_t deadline = MonotonicNanoseconds() + kFinishNanoseconds;
    while (!gone_ && MonotonicNanoseconds() < deadline) {
        FlushOutput();
        while (const std::size_t whole = FrontBytes()) in_begin_ += whole;
        if (!HoldsOutput() && Buffered() == 0) return true;
        // As much as ends the frame, and nothing of the next one.
        const std::size_t missing = Buffered() < kPrefix ? kPrefix - Buffered() : kPrefix + FrontLength() - Buffered();
        if (Buffered() > 0 && missing > kMaxFrameBytes) gone_ = true;
        if (gone_ || (Buffered() > 0 && Fill(missing) == 0)) continue;
        const short events = static_cast<short>((HoldsOutput() ? POLLOUT : 0) | (Buffered() > 0 ? POLLIN : 0));
        pollfd waiting{fd_, events, 0};
        (void)RawPoll(std::span(&waiting, 1), kFinishStepMilliseconds);
    }
    return gone_;
}

}  // namespace husk
