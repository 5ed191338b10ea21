#include "benchmarks/devices/console_peer.h"

#include <sys/socket.h>

#include <vector>

namespace husk::bench {
namespace {

constexpr std::size_t kAtOnce = 64 << 10;

bool SendAll(int socket, const std::byte* at, std::size_t bytes) {
    while (bytes > 0) {
        const ssize_t sent = ::send(socket, at, bytes, MSG_NOSIGNAL);
        if (sent <= 0) return false;
        at += sent;
        bytes -= static_cast<std::size_t>(sent);
    }
    return true;
}

}  // namespace

Result<std::pair<ScopedFd, ScopedFd>> ConsolePeer::MakeSocket() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return FailOs("cannot make a socket");
    return std::pair(ScopedFd(ends[0]), ScopedFd(ends[1]));
}

ConsolePeer::ConsolePeer(ScopedFd socket, Does what)
    : socket_(std::move(socket)), thread_([this, what] { Work(what); }) {}

ConsolePeer::~ConsolePeer() {
    ::shutdown(socket_.Get(), SHUT_RDWR);  // ends what the thread waits for
    thread_.join();
}

void ConsolePeer::Work(Does what) const {
    std::vector<std::byte> bytes(kAtOnce, std::byte{'x'});
    for (;;) {
        std::size_t size = bytes.size();
        if (what != Does::kWrites) {
            const ssize_t got = ::recv(socket_.Get(), bytes.data(), bytes.size(), 0);
            if (got <= 0) return;
            size = static_cast<std::size_t>(got);
        }
        if (what != Does::kReads && !SendAll(socket_.Get(), bytes.data(), size)) return;
    }
}

}  // namespace husk::bench
