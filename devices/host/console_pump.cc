#include "devices/host/console_pump.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "vmm/base/syscalls.h"

namespace husk {
namespace {

// At most this much in one system call, so that typed escapes are seen soon while much is printed.
constexpr std::size_t kWriteMax = 16 * 1024;
// Taken from one end before the other one's turn.
constexpr std::size_t kTakeMax = 4 * 1024;
// Taken or written in one turn, so that the input is looked at again.
constexpr std::size_t kTurnMax = kConsoleOutputRing;

constexpr std::uint64_t kMillisecond = 1'000'000;
constexpr std::uint64_t kGather = 2 * kMillisecond;
constexpr int kHangupPollMilliseconds = 100;

bool IsTransient(long result) { return result == -EAGAIN || result == -EINTR; }

ConsoleEnd Other(ConsoleEnd end) { return end == ConsoleEnd::kUart ? ConsoleEnd::kHvc : ConsoleEnd::kUart; }

}  // namespace

ConsolePump::ConsolePump(ConsoleRings& rings, ConsolePort& hvc, Host host, const EventFd& wake_vmm)
    : from_uart_(rings.from_guest),
      to_uart_(rings.to_guest),
      hvc_(hvc),
      host_(host),
      wake_vmm_(wake_vmm),
      mux_({.uart = host.uart, .interactive = host.escape}) {
    if (host.plain) screen_.FilterEscapeSequences();
    if (host.log != nullptr) screen_.LogTo(*host.log);
}

void ConsolePump::SetClient(int fd) {
    host_.input = host_.output = fd;
    output_full_ = false;
    gather_until_ = 0;
}

void ConsolePump::HvcDied() {
    for_hvc_size_ = 0;
    mux_.HvcDied();
    mux_.Tell(screen_);  // now: there may be nothing else to wake up for
}

void ConsolePump::EndInput() {
    input_ended_ = true;
    for_hvc_size_ = 0;
}

bool ConsolePump::Drained() const {
    if (NobodyThere() && host_.log == nullptr) return true;
    const bool shown = screen_.Empty() || NobodyThere();
    return shown && !Unlogged() && !HasOutput(ConsoleEnd::kUart) && !HasOutput(ConsoleEnd::kHvc);
}

bool ConsolePump::HasOutput(ConsoleEnd end) const {
    return end == ConsoleEnd::kUart ? from_uart_.Available() > 0 : hvc_.HasOutput();
}

int ConsolePump::Prepare(pollfd& input, pollfd& output) {
    input = output = pollfd{-1, 0, 0};
    if (host_.pty) {
        // A pseudo-terminal nobody has opened reports only that, and at once: look instead of waiting.
        pollfd probe{host_.output, 0, 0};
        const timespec no_time{0, 0};
        RawSyscall(SYS_ppoll, &probe, 1, &no_time, nullptr, 0);
        hung_up_ = (probe.revents & POLLHUP) != 0;
    }
    screen_.KeepNewest(NobodyThere());
    if (WantsInput()) input = {host_.input, POLLIN, 0};
    const bool stuck = output_full_ && !NobodyThere();
    if (stuck) output = {host_.output, POLLOUT, 0};
    // A guest that writes to hvc0 waits until we took it, so it always rings. The UART has a ring to fill meanwhile.
    if (!hvc_.Sleep(CanTake(), for_hvc_size_ > 0)) return 0;
    if (stuck && !Unlogged()) return -1;
    if (MayWrite() || (Unlogged() && now_ >= gather_until_)) return 0;
    if (now_ < gather_until_) return static_cast<int>((gather_until_ - now_ + kMillisecond - 1) / kMillisecond);
    if (!from_uart_.Sleep()) return 0;
    return hung_up_ && !host_.pty_told ? kHangupPollMilliseconds : -1;
}

bool ConsolePump::WantsInput() {
    if (host_.input < 0 || hung_up_) return false;
    // A terminal's escapes must work even when the guest reads nothing, and a client's leaving be seen even when it is
    // gone; other input waits until the guest reads.
    if (host_.escape) return true;
    if (input_ended_) return host_.clients;
    if (mux_.Keys() == ConsoleEnd::kHvc) return for_hvc_size_ < for_hvc_.size();
    if (to_uart_.Room() > 0) return true;
    to_uart_.AskForRoom();
    return to_uart_.Room() > 0;
}

ConsolePump::Request ConsolePump::Turn(const pollfd& input, const pollfd& output, std::uint64_t now) {
    now_ = now;
    if (output.fd >= 0 && output.revents != 0) output_full_ = false;
    Request request = Request::kNone;
    if (input.fd >= 0 && input.revents != 0) request = MoveInput();
    FeedHvc();
    MoveOutput();
    return request;
}

// --- Input

ConsolePump::Request ConsolePump::MoveInput() {
    std::array<std::byte, kTypedMax> typed;
    std::size_t room = typed.size();
    if (!host_.escape && !input_ended_) {
        const bool hvc = mux_.Keys() == ConsoleEnd::kHvc;
        room = std::min<std::size_t>(room, hvc ? for_hvc_.size() - for_hvc_size_ : to_uart_.Room());
    }
    if (room == 0) return Request::kNone;
    const long got = RawRead(host_.input, std::span(typed).first(room));
    if (IsTransient(got)) return Request::kNone;
    if (got <= 0) {
        if (host_.pty) return Request::kNone;
        if (!host_.clients) {
            host_.input = -1;  // end of input: the guest runs on without
            return Request::kNone;
        }
        SetClient(-1);
        return Request::kClientGone;
    }
    const auto bytes = std::span(typed).first(static_cast<std::size_t>(got));
    if (host_.escape) return FilterTyped(bytes);
    Deliver(bytes);
    return Request::kNone;
}

// Takes the commands out. What was typed before Ctrl-] s is for the old end, what follows for the new one.
ConsolePump::Request ConsolePump::FilterTyped(std::span<std::byte> typed) {
    using Kind = EscapeResult::Kind;
    Request request = Request::kNone;
    std::size_t kept = 0;
    for (const std::byte byte : typed) {
        const EscapeResult result = escape_.Feed(std::to_integer<std::uint8_t>(byte));
        if (result.kind == Kind::kData) typed[kept++] = std::byte{result.byte};
        if (result.kind == Kind::kQuit && request == Request::kNone) request = Request::kQuit;
        if (result.kind == Kind::kKill) request = Request::kKill;
        if (result.kind == Kind::kHelp) mux_.AskHelp();
        if (result.kind == Kind::kSwitch) {
            Deliver(typed.first(kept));
            kept = 0;
            mux_.Switch(hvc_.Live());
        }
    }
    Deliver(typed.first(kept));
    return request;
}

void ConsolePump::Deliver(std::span<const std::byte> typed) {
    if (input_ended_) return;
    typed = mux_.Admit(typed);
    if (typed.empty()) return;
    if (mux_.Keys() == ConsoleEnd::kHvc) {
        const std::size_t count = std::min(typed.size(), for_hvc_.size() - for_hvc_size_);
        std::ranges::copy(typed.first(count), for_hvc_.begin() + static_cast<std::ptrdiff_t>(for_hvc_size_));
        for_hvc_size_ += count;
        FeedHvc();
        return;
    }
    bytes_in_ += to_uart_.Write(typed);
    if (to_uart_.ReaderMustBeWoken()) wake_vmm_.Signal();
}

void ConsolePump::FeedHvc() {
    if (for_hvc_size_ == 0) return;
    const std::size_t put = hvc_.Put(std::span(for_hvc_).first(for_hvc_size_));
    bytes_in_ += put;
    const auto begin = for_hvc_.begin();
    std::copy(begin + static_cast<std::ptrdiff_t>(put), begin + static_cast<std::ptrdiff_t>(for_hvc_size_), begin);
    for_hvc_size_ -= put;
}

// --- Output

void ConsolePump::MoveOutput() {
    screen_.KeepNewest(NobodyThere());
    const std::uint64_t writes_before = writes_;
    for (std::size_t rounds = 0; rounds < kTurnMax / kWriteMax; ++rounds) {
        mux_.Tell(screen_);
        const bool took = TakeOutput();
        hvc_.Flush();  // before the host's system calls: a guest may be waiting for its buffers
        const bool wrote = WriteOut();
        if (!took && !wrote) break;
    }
    if (WriteLog() || writes_ > writes_before) gather_until_ = now_ + kGather;
    const bool kept = host_.clients || host_.pty;
    if (NobodyThere() && !kept) screen_.Clear();
}

// Some from each end; first from the one whose line is not finished. Together they leave each other room.
bool ConsolePump::TakeOutput() {
    if (!CanTake()) return false;
    const ConsoleEnd first = mux_.LineOf();
    const ConsoleEnd second = Other(first);
    bool any = false;
    for (std::size_t taken = 0; taken < kWriteMax && CanTake(); taken += kTakeMax) {
        const bool both = HasOutput(first) && HasOutput(second);
        const bool one = TakeFrom(first, both);
        const bool other = TakeFrom(second, false);
        if (!one && !other) break;
        any = true;
    }
    return any;
}

bool ConsolePump::TakeFrom(ConsoleEnd end, bool share) {
    std::array<std::byte, kTakeMax> taken;
    const std::size_t takes = mux_.Takes(end, screen_) / (share ? 2 : 1);
    const auto room = std::span(taken).first(std::min(taken.size(), takes));
    if (end == ConsoleEnd::kHvc) {
        const std::size_t count = hvc_.Take(room);
        if (mux_.Show(end, room.first(count), screen_) != count) std::abort();  // it said that it takes them
        device_wait_.See(1, room.first(count), now_);
        return count > 0;
    }
    // A copy, since the writer of the ring may still scribble on it.
    const auto waiting = from_uart_.Peek();
    const auto copy = room.first(std::min(room.size(), waiting.size()));
    std::ranges::copy(waiting.first(copy.size()), copy.begin());
    const std::size_t shown = mux_.Show(end, copy, screen_);
    if (shown == 0) return false;
    device_wait_.See(0, copy.first(shown), now_);
    from_uart_.Consume(static_cast<std::uint32_t>(shown));
    if (from_uart_.WriterMustBeWoken()) wake_vmm_.Signal();
    return true;
}

bool ConsolePump::MayWrite() const {
    if (NobodyThere() || output_full_ || screen_.Empty()) return false;
    return now_ >= gather_until_ || screen_.Size() >= kWriteMax;
}

// True when the host took something, so that there is room for more.
bool ConsolePump::WriteOut() {
    bool wrote_any = false;
    while (MayWrite()) {
        const auto waiting = screen_.Peek();
        const long wrote = RawWrite(host_.output, waiting.first(std::min(waiting.size(), kWriteMax)));
        if (IsTransient(wrote)) {
            output_full_ = wrote == -EAGAIN;
            break;
        }
        if (wrote < 0) {  // the reader of our output is gone, or the disk is full: the guest goes on without
            if (host_.pty) break;
            host_.output = -1;  // a client is reported gone once its input is read to the end
            if (!host_.clients && wrote != -EPIPE) failure_ = static_cast<int>(-wrote);
            break;
        }
        bytes_out_ += static_cast<std::uint64_t>(wrote);
        ++writes_;
        wrote_any = true;
        screen_.Consume(static_cast<std::size_t>(wrote));
    }
    return wrote_any;
}

// Gathers as the host's output does.
bool ConsolePump::WriteLog() {
    if (!Unlogged() || (now_ < gather_until_ && host_.log->Pending() < kWriteMax)) return false;
    host_.log->Flush();
    return true;
}

}  // namespace husk
