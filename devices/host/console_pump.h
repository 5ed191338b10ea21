// ConsolePump: moves bytes between the guest's console rings and the host. The console role's loop owns it and sleeps
// in poll; nothing here blocks, allocates, or trusts the other side of the rings.
#pragma once

#include <poll.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "devices/host/escape.h"
#include "vmm/base/byte_ring.h"
#include "vmm/base/event_fd.h"

namespace husk {

inline constexpr std::uint32_t kConsoleOutputRing = 256 * 1024;
inline constexpr std::uint32_t kConsoleInputRing = 4096;

// Shared by the vmm and the console role.
struct ConsoleRings {
    ByteRing<kConsoleOutputRing> from_guest;
    ByteRing<kConsoleInputRing> to_guest;
};

class ConsolePump {
 public:
    struct Host {
        int input = -1;        // -1: nothing can be typed
        int output = -1;       // -1: output is dropped, or kept for a client
        bool escape = false;   // Ctrl-] commands
        bool clients = false;  // a unix socket: without a client, the newest kBacklog bytes wait for one
        bool pty = false;      // a pseudo-terminal: its other side may come and go, and the backlog waits too
    };
    // What a person asked for on the console, or what became of it.
    enum class Request : std::uint8_t { kNone, kQuit, kKill, kClientGone };

    // `wake_vmm` is rung when there is input, or room that the UART waits for.
    ConsolePump(ConsoleRings& rings, Host host, const EventFd& wake_vmm);

    // What to wait for: fills in the descriptors and returns how long to wait, in milliseconds (-1: until something
    // happens). Unused entries have fd -1.
    int Prepare(pollfd& input, pollfd& output);
    // Moves what can be moved after poll returned with these events.
    Request Turn(const pollfd& input, const pollfd& output);

    // A client connected (or, with -1, left).
    void SetClient(int fd);

    // True when all the guest wrote is written out, or can never be.
    [[nodiscard]] bool Drained() const;

    [[nodiscard]] std::uint64_t BytesOut() const { return bytes_out_; }
    [[nodiscard]] std::uint64_t BytesIn() const { return bytes_in_; }
    [[nodiscard]] std::uint64_t Writes() const { return writes_; }

 private:
    static constexpr std::uint32_t kBacklog = 64 * 1024;
    static constexpr int kGatherMilliseconds = 2;
    static constexpr int kHangupPollMilliseconds = 100;

    [[nodiscard]] bool NobodyThere() const { return host_.output < 0 || hung_up_; }
    [[nodiscard]] std::uint32_t KeptBytes() const;
    Request MoveInput();
    void Deliver(std::span<const std::byte> typed);
    void MoveOutput();
    bool WriteNotice();
    void Discard(std::uint32_t count);
    void ShowHelp();

    ByteRingReader<kConsoleOutputRing> from_guest_;
    ByteRingWriter<kConsoleInputRing> to_guest_;
    Host host_;
    const EventFd& wake_vmm_;
    EscapeFilter escape_;
    std::array<char, 256> notice_{};  // husk's own words, written before the guest's
    std::size_t notice_length_ = 0;
    bool output_full_ = false;  // the host took less than we had: wait until it takes more
    bool gathering_ = false;    // just wrote: give the guest a moment to write more before the next
    bool hung_up_ = false;      // the other side of the pseudo-terminal is not open
    std::uint64_t bytes_out_ = 0;
    std::uint64_t bytes_in_ = 0;
    std::uint64_t writes_ = 0;
};

}  // namespace husk
