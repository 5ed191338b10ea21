#include "devices/host/port_pump.h"

#include <algorithm>
#include <cerrno>
#include <span>

#include "vmm/base/syscalls.h"

namespace husk {
namespace {

// At once; and rounds in one turn, so that the other ports get theirs.
constexpr std::size_t kPiece = 32 * 1024;
constexpr int kRounds = 8;

bool IsTransient(long result) { return result == -EAGAIN || result == -EINTR; }

}  // namespace

void PortPump::SetClient(int fd) {
    client_ = fd;
    to_guest_.Clear();
    to_client_.Clear();
    input_over_ = left_ = client_full_ = false;
}

void PortPump::EndInput() {
    input_over_ = true;
    to_guest_.Clear();
}

bool PortPump::MayRead() const { return !input_over_ && port_.GuestOpen() && to_guest_.Room() >= kPiece; }

int PortPump::Prepare(pollfd& client) {
    client = pollfd{-1, 0, 0};
    const bool takes = !HasClient() || to_client_.Room() >= kPiece;
    if (!port_.Sleep(takes, !to_guest_.Empty())) return 0;
    if (!HasClient()) return -1;
    if (left_) {  // it would be reported without end
        if (MayRead() || now_ >= give_up_at_) return 0;
        return static_cast<int>((give_up_at_ - now_) / 1'000'000 + 1);
    }
    // That it left is reported in any case.
    client = {client_, static_cast<short>((MayRead() ? POLLIN : 0) | (client_full_ ? POLLOUT : 0)), 0};
    return -1;
}

bool PortPump::Turn(const pollfd& client, std::uint64_t now) {
    now_ = now;
    if (port_.Openings() != openings_) to_guest_.Clear();  // they were for who had it open before
    openings_ = port_.Openings();
    if (client.fd >= 0 && client.fd == client_) {
        if ((client.revents & POLLOUT) != 0) client_full_ = false;
        if ((client.revents & (POLLHUP | POLLERR)) != 0 && !left_) {
            left_ = true;
            give_up_at_ = now + kPatience;
        }
    }
    if (HasClient()) MoveInput();
    MoveOutput();
    port_.Flush();
    if (!IsGone()) return false;
    SetClient(-1);
    return true;
}

bool PortPump::IsGone() {
    if (!HasClient() || !left_) return false;
    if (!port_.GuestOpen() || now_ >= give_up_at_) return true;
    return input_over_ && to_guest_.Empty();
}

void PortPump::MoveInput() {
    for (int round = 0; round < kRounds; ++round) {
        bool moved = false;
        if (MayRead()) {
            const long got = RawRead(client_, to_guest_.Space());
            if (got > 0) to_guest_.Filled(static_cast<std::size_t>(got));
            moved = got > 0;
            input_over_ = got == 0 || (got < 0 && !IsTransient(got));
        }
        while (!to_guest_.Empty()) {
            const std::size_t put = port_.Put(to_guest_.Peek());
            if (put == 0) break;
            to_guest_.Consume(put);
            if (left_) give_up_at_ = now_ + kPatience;
            moved = true;
        }
        if (!moved) break;
    }
}

void PortPump::MoveOutput() {
    for (int round = 0; round < kRounds; ++round) {
        const std::size_t taken = to_client_.Room() < kPiece ? 0 : port_.Take(to_client_.Space());
        if (HasClient() && !left_) to_client_.Filled(taken);
        if (taken == 0 && to_client_.Empty()) return;
        port_.Flush();  // before the host's system call: the guest fills the next buffers meanwhile
        WriteOut();
        if (taken == 0) return;
    }
}

void PortPump::WriteOut() {
    if (!HasClient() || left_) to_client_.Clear();
    while (!to_client_.Empty() && !client_full_) {
        const long wrote = RawWrite(client_, to_client_.Peek());
        if (wrote == -EINTR) continue;
        if (wrote == -EAGAIN) {
            client_full_ = true;
        } else if (wrote < 0) {  // it closed its end; what it sent may still be there
            left_ = true;
            give_up_at_ = now_ + kPatience;
            to_client_.Clear();
        } else {
            to_client_.Consume(static_cast<std::size_t>(wrote));
        }
    }
}

}  // namespace husk
