// NetStream: a connected stream socket as the wire of a guest, as passt and QEMU's "-netdev stream" speak it: each
// frame behind its length, 4 bytes, big-endian; no virtio header.
//
// The peer is not trusted with more than frames: a length that no frame has cuts the wire. Input is taken in large
// pieces into a buffer of its own; what the socket does not take of a frame waits here, since half a frame cannot be
// taken back. All memory is there from the start.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "devices/host/net_backend.h"

namespace husk {

class NetStream final : public NetBackend {
 public:
    // The worker: `fd` is non-blocking, connected, and stays open.
    explicit NetStream(int fd) : fd_(fd) {}

    [[nodiscard]] std::uint32_t Queues() const override { return 1; }
    [[nodiscard]] int Fd(std::uint32_t) const override { return fd_; }
    void SetOffloads(const NetOffloads&) override {}
    [[nodiscard]] int Send(std::uint32_t queue, std::span<iovec> frame) override;
    [[nodiscard]] bool HoldsOutput() const override { return out_begin_ < out_end_; }
    void FlushOutput() override;
    [[nodiscard]] long Receive(std::uint32_t queue, std::span<const iovec> room) override;
    [[nodiscard]] bool HoldsInput() const override;
    [[nodiscard]] bool Gone() const override { return gone_; }
    // What is buffered and whole is lost, as frames may be; the stream goes on at the start of a frame.
    [[nodiscard]] bool Finish() override;

 private:
    static constexpr std::size_t kPrefix = 4;
    static constexpr std::size_t kInputBytes = 256 * 1024;
    static constexpr std::size_t kOutputBytes = kPrefix + kMaxFrameBytes;
    struct Buffers {
        std::array<std::byte, kInputBytes> in;
        std::array<std::byte, kOutputBytes> out;
    };

    [[nodiscard]] std::size_t Buffered() const { return in_end_ - in_begin_; }
    // Of the frame at the front, with its prefix; 0 when that is not whole.
    [[nodiscard]] std::size_t FrontBytes() const;
    [[nodiscard]] std::uint32_t FrontLength() const;
    // Reads at most `limit` bytes more. 0, or an errno.
    [[nodiscard]] int Fill(std::size_t limit);
    void Keep(std::span<const iovec> frame, std::size_t sent);

    int fd_;
    bool gone_ = false;
    std::size_t in_begin_ = 0;
    std::size_t in_end_ = 0;
    std::size_t out_begin_ = 0;
    std::size_t out_end_ = 0;
    std::unique_ptr<Buffers> buffers_ = std::make_unique_for_overwrite<Buffers>();
};

}  // namespace husk
