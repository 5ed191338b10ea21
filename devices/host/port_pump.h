// PortPump: moves bytes between a named port of the guest and the client of its unix socket. The console role's loop
// owns it and sleeps in poll; nothing here blocks, allocates, or trusts either side. Bytes are bytes: nothing is shown,
// filtered or kept.
//
// Either side holds the other back: what the guest has no room for, or nobody there to read, stays in the client's
// socket; what the client does not take stays in the guest's chains. Without a client, what the guest writes is
// dropped: it was told that nobody is there.
//
// A client that shuts down its writing side may still read. When one leaves, what it sent before reaches the guest as
// long as somebody there reads it.
#pragma once

#include <poll.h>

#include <array>
#include <cstddef>
#include <cstdint>

#include "devices/host/console_port.h"
#include "devices/host/output_buffer.h"

namespace husk {

class PortPump {
 public:
    // `port` outlives this.
    explicit PortPump(ConsolePort& port) : port_(port) {}

    // A client connected.
    void SetClient(int fd);
    [[nodiscard]] bool HasClient() const { return client_ >= 0; }

    // What to wait for, as ConsolePump::Prepare() has it.
    int Prepare(pollfd& client);
    // Moves what can be moved. True: the client is gone, and may be replaced. `now`: MonotonicNanoseconds().
    bool Turn(const pollfd& client, std::uint64_t now);

    // The guest is gone: nothing is read any more, what it wrote is still handed out.
    void EndInput();
    [[nodiscard]] bool Drained() const { return !HasClient() || (to_client_.Empty() && !port_.HasOutput()); }

 private:
    // How long the bytes of a client that left may wait for a guest that does not take any.
    static constexpr std::uint64_t kPatience = 1'000'000'000;  // nanoseconds

    [[nodiscard]] bool MayRead() const;
    [[nodiscard]] bool IsGone();
    void MoveInput();
    void MoveOutput();
    void WriteOut();

    ConsolePort& port_;
    int client_ = -1;
    OutputBuffer to_guest_;
    OutputBuffer to_client_;
    std::uint32_t openings_ = 0;    // of the port, when to_guest_ was last filled
    bool input_over_ = false;       // the client writes no more
    bool left_ = false;             // the client is not there any more
    bool client_full_ = false;      // it took less than we had
    std::uint64_t now_ = 0;         // at the last Turn()
    std::uint64_t give_up_at_ = 0;  // when a client that left is dropped
};

}  // namespace husk
