// ConsolePump: moves bytes between the guest's two console ends and the host. The console role's loop owns it and
// sleeps in poll; nothing here blocks, allocates, or trusts what is on the guest's side.
//
//     UART ring --\                                                      /-- UART ring
//                  ConsoleMux -> OutputBuffer -> host    host -> escapes
//     hvc0 -------/                                                      \-- hvc0
//
// Output is taken from the guest as long as the buffer has room, and written in batches. A full buffer holds the guest
// back; when nobody is there who could ever read, nothing does. What is shown goes into the log too, if there is one.
#pragma once

#include <poll.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

#include "devices/host/console_log.h"
#include "devices/host/console_mux.h"
#include "devices/host/console_port.h"
#include "devices/host/device_wait.h"
#include "devices/host/escape.h"
#include "devices/host/output_buffer.h"
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
        int input = -1;         // -1: nothing can be typed
        int output = -1;        // -1: output is dropped, or kept for a client
        bool escape = false;    // Ctrl-] commands
        bool clients = false;   // a unix socket: without a client, the newest output waits for one
        bool pty = false;       // a pseudo-terminal: its other side may come and go, and the newest output waits too
        bool pty_told = false;  // ... and whoever waits is woken when it comes
        bool uart = true;       // the machine has a UART
        bool plain = false;     // escape sequences are left out of the output
        ConsoleLog* log = nullptr;
    };
    // What a person asked for on the console, or what became of it.
    enum class Request : std::uint8_t { kNone, kQuit, kKill, kClientGone };

    // `wake_vmm` is rung when there is input, or room that the UART waits for.
    ConsolePump(ConsoleRings& rings, ConsolePort& hvc, Host host, const EventFd& wake_vmm);

    // What to wait for: fills in the descriptors and returns how long to wait, in milliseconds (-1: until something
    // happens, 0: there is more to do). Unused entries have fd -1. A doorbell of hvc0 ends the wait as well.
    int Prepare(pollfd& input, pollfd& output);
    // Moves what can be moved after poll returned with these events. `now`: MonotonicNanoseconds().
    Request Turn(const pollfd& input, const pollfd& output, std::uint64_t now);

    // A client connected (or, with -1, left).
    void SetClient(int fd);
    // The driver of hvc0 reset it, or broke it: what was typed for it is dropped.
    void HvcDied();
    // The guest is gone, and its output is all there is left to do: bytes typed from now on are dropped.
    void EndInput();

    // True when all the guest wrote is written out, or can never be.
    [[nodiscard]] bool Drained() const;

    // Whether the guest waits for a device that does not come.
    [[nodiscard]] DeviceWait& Waits() { return device_wait_; }

    // Why the host's side takes no output any more: an errno, once. That a pipe's reader left is no failure.
    [[nodiscard]] std::optional<int> TakeFailure() { return std::exchange(failure_, std::nullopt); }

    // To the host, husk's own words included; from the host, as far as the guest took it.
    [[nodiscard]] std::uint64_t BytesOut() const { return bytes_out_; }
    [[nodiscard]] std::uint64_t BytesIn() const { return bytes_in_; }
    [[nodiscard]] std::uint64_t Writes() const { return writes_; }

 private:
    static constexpr std::size_t kTypedMax = 512;

    [[nodiscard]] bool NobodyThere() const { return host_.output < 0 || hung_up_; }
    [[nodiscard]] bool CanTake() const { return screen_.Room() >= ConsoleMux::kRoomNeeded; }
    [[nodiscard]] bool MayWrite() const;
    [[nodiscard]] bool Unlogged() const { return host_.log != nullptr && host_.log->Pending() > 0; }
    [[nodiscard]] bool WantsInput();
    [[nodiscard]] bool HasOutput(ConsoleEnd end) const;

    Request MoveInput();
    Request FilterTyped(std::span<std::byte> typed);
    void Deliver(std::span<const std::byte> typed);
    void FeedHvc();

    void MoveOutput();
    bool TakeOutput();
    bool TakeFrom(ConsoleEnd end, bool share);
    bool WriteOut();
    bool WriteLog();

    ByteRingReader<kConsoleOutputRing> from_uart_;
    ByteRingWriter<kConsoleInputRing> to_uart_;
    ConsolePort& hvc_;
    Host host_;
    const EventFd& wake_vmm_;
    EscapeFilter escape_;
    ConsoleMux mux_;
    OutputBuffer screen_;
    DeviceWait device_wait_;
    std::array<std::byte, kTypedMax> for_hvc_{};  // typed, and hvc0 had no room yet
    std::size_t for_hvc_size_ = 0;
    std::uint64_t now_ = 0;           // at the last Turn()
    std::uint64_t gather_until_ = 0;  // just wrote: give the guest a moment to write more before the next
    bool output_full_ = false;        // the host took less than we had: wait until it takes more
    bool hung_up_ = false;            // the other side of the pseudo-terminal is not open
    bool input_ended_ = false;
    std::optional<int> failure_;
    std::uint64_t bytes_out_ = 0;
    std::uint64_t bytes_in_ = 0;
    std::uint64_t writes_ = 0;
};

}  // namespace husk
