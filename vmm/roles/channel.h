// Channel: one end of a SOCK_SEQPACKET pair between two roles. Messages are fixed-size structs (vmm/roles/messages.h)
// with at most one descriptor beside them.
#pragma once

#include <cstddef>
#include <span>
#include <utility>

#include "vmm/base/result.h"
#include "vmm/base/scoped_fd.h"

namespace husk {

class Channel {
 public:
    explicit Channel(ScopedFd socket) : socket_(std::move(socket)) {}

    // Two connected ends, close-on-exec.
    [[nodiscard]] static Result<std::pair<Channel, Channel>> CreatePair();

    // Sends one message whole, never blocking for long: the peer has room for more messages than the protocol has.
    [[nodiscard]] Result<> Send(std::span<const std::byte> message, int fd = -1) const;

    // For messages whose number the protocol does not limit: sends at once, or not at all where the peer has left much
    // unread. Room for Send() stays. False when it was not sent.
    bool Offer(std::span<const std::byte> message) const;

    struct Received {
        std::size_t size = 0;  // 0: the peer is gone
        ScopedFd fd;
    };
    // Waits for the next message and copies it to `buffer`. A message longer than the buffer is an error.
    [[nodiscard]] Result<Received> Receive(std::span<std::byte> buffer) const;

    // For sealed roles, without allocation. A descriptor beside the message is dropped by the kernel.
    // False when the peer is gone.
    bool Post(std::span<const std::byte> message) const;
    // Waits for the next message; its size, or 0 when the peer is gone. A longer one is cut.
    [[nodiscard]] std::size_t Take(std::span<std::byte> buffer) const;
    // The same, for the one role that is sent descriptors while it is sealed. -1 when there is none.
    struct Taken {
        std::size_t size = 0;
        int fd = -1;  // to be closed by the caller
    };
    [[nodiscard]] Taken TakeWithFd(std::span<std::byte> buffer) const;

    [[nodiscard]] int Fd() const { return socket_.Get(); }

 private:
    ScopedFd socket_;
};

}  // namespace husk
