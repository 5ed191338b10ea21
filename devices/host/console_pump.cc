#include "devices/host/console_pump.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>

namespace husk {
namespace {

constexpr std::string_view kHelp =
    "\r\nhusk: Ctrl-] q  press the guest's power button (again: end the VM)"
    "\r\nhusk: Ctrl-] k  end the VM at once"
    "\r\nhusk: Ctrl-] Ctrl-]  send Ctrl-] to the guest\r\n";

// At most this much in one system call, so that typed escapes are seen soon while much is printed.
constexpr std::uint32_t kWriteMax = 16 * 1024;

bool IsTransient(int os_errno) { return os_errno == EAGAIN || os_errno == EINTR; }

}  // namespace

ConsolePump::ConsolePump(ConsoleRings& rings, Host host, const EventFd& wake_vmm)
    : from_guest_(rings.from_guest), to_guest_(rings.to_guest), host_(host), wake_vmm_(wake_vmm) {}

void ConsolePump::SetClient(int fd) {
    host_.input = host_.output = fd;
    output_full_ = false;
    gathering_ = false;
}

bool ConsolePump::Drained() const { return from_guest_.Available() == 0 || NobodyThere(); }

std::uint32_t ConsolePump::KeptBytes() const {
    const bool keeps = host_.clients || host_.pty;
    return NobodyThere() && keeps ? kBacklog : 0;
}

int ConsolePump::Prepare(pollfd& input, pollfd& output) {
    input = output = pollfd{-1, 0, 0};
    if (host_.pty) {
        // A pseudo-terminal nobody has opened reports only that, and at once: look instead of waiting.
        pollfd probe{host_.output, 0, 0};
        ::poll(&probe, 1, 0);
        hung_up_ = (probe.revents & POLLHUP) != 0;
    }
    const bool accepts_input = host_.escape || to_guest_.Room() > 0 || (to_guest_.AskForRoom(), to_guest_.Room() > 0);
    if (host_.input >= 0 && !hung_up_ && accepts_input) input = {host_.input, POLLIN, 0};
    if (output_full_ && !NobodyThere()) {
        output = {host_.output, POLLOUT, 0};
        return -1;
    }
    if (gathering_) return kGatherMilliseconds;
    if (!from_guest_.Sleep(KeptBytes())) return 0;
    return hung_up_ ? kHangupPollMilliseconds : -1;
}

ConsolePump::Request ConsolePump::Turn(const pollfd& input, const pollfd& output) {
    if (output.fd >= 0 && output.revents != 0) output_full_ = false;
    Request request = Request::kNone;
    if (input.fd >= 0 && input.revents != 0) request = MoveInput();
    MoveOutput();
    return request;
}

ConsolePump::Request ConsolePump::MoveInput() {
    std::array<std::byte, 512> typed;
    // A terminal's escapes must work even when the guest reads nothing; others wait until it does.
    const std::size_t room = host_.escape ? typed.size() : std::min<std::size_t>(typed.size(), to_guest_.Room());
    if (room == 0) return Request::kNone;
    const ssize_t got = ::read(host_.input, typed.data(), room);
    if (got < 0 && IsTransient(errno)) return Request::kNone;
    if (got <= 0) {
        if (host_.pty) return Request::kNone;
        if (!host_.clients) {
            host_.input = -1;  // end of input: the guest runs on without
            return Request::kNone;
        }
        SetClient(-1);
        return Request::kClientGone;
    }
    auto rest = std::span(typed).first(static_cast<std::size_t>(got));
    if (!host_.escape) {
        Deliver(rest);
        return Request::kNone;
    }
    Request request = Request::kNone;
    std::size_t kept = 0;
    for (const std::byte byte : rest) {
        const EscapeResult result = escape_.Feed(std::to_integer<std::uint8_t>(byte));
        if (result.kind == EscapeResult::Kind::kData) typed[kept++] = std::byte{result.byte};
        if (result.kind == EscapeResult::Kind::kQuit && request == Request::kNone) request = Request::kQuit;
        if (result.kind == EscapeResult::Kind::kKill) request = Request::kKill;
        if (result.kind == EscapeResult::Kind::kHelp) ShowHelp();
    }
    Deliver(std::span(typed).first(kept));
    return request;
}

void ConsolePump::Deliver(std::span<const std::byte> typed) {
    if (typed.empty()) return;
    bytes_in_ += to_guest_.Write(typed);
    if (to_guest_.ReaderMustBeWoken()) wake_vmm_.Signal();
}

void ConsolePump::MoveOutput() {
    if (NobodyThere()) {
        const std::uint32_t waiting = from_guest_.Available();
        if (waiting > KeptBytes()) Discard(waiting - KeptBytes());
        gathering_ = false;
        return;
    }
    if (output_full_ || !WriteNotice()) return;
    gathering_ = false;
    for (std::uint32_t moved = 0;
         moved < kConsoleOutputRing;) {  // at most one ring's worth, then look at the input again
        const auto waiting = from_guest_.Peek();
        if (waiting.empty()) break;
        const ssize_t wrote = ::write(host_.output, waiting.data(), std::min<std::size_t>(waiting.size(), kWriteMax));
        if (wrote < 0 && IsTransient(errno)) {
            output_full_ = errno == EAGAIN;
            break;
        }
        if (wrote < 0) {  // the reader of our output is gone, or the disk is full: the guest goes on without
            if (!host_.pty) host_.output = -1;  // a client is reported gone once its input is read to the end
            break;
        }
        moved += static_cast<std::uint32_t>(wrote);
        bytes_out_ += static_cast<std::uint64_t>(wrote);
        ++writes_;
        gathering_ = true;
        Discard(static_cast<std::uint32_t>(wrote));
    }
}

void ConsolePump::Discard(std::uint32_t count) {
    from_guest_.Consume(count);
    if (from_guest_.WriterMustBeWoken()) wake_vmm_.Signal();
}

bool ConsolePump::WriteNotice() {
    if (notice_length_ == 0) return true;
    const ssize_t wrote = ::write(host_.output, notice_.data(), notice_length_);
    if (wrote < 0 && IsTransient(errno)) {
        output_full_ = errno == EAGAIN;
        return false;
    }
    if (wrote > 0) {
        notice_length_ -= static_cast<std::size_t>(wrote);
        std::memmove(notice_.data(), notice_.data() + wrote, notice_length_);
    }
    return notice_length_ == 0 || wrote < 0;
}

void ConsolePump::ShowHelp() {
    static_assert(kHelp.size() <= std::tuple_size_v<decltype(notice_)>);
    std::memcpy(notice_.data(), kHelp.data(), kHelp.size());
    notice_length_ = kHelp.size();
}

}  // namespace husk
