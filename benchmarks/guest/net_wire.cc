#include "benchmarks/guest/net_wire.h"

#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "benchmarks/guest/bench.h"

namespace husk::bench {

namespace {

constexpr std::size_t kPiece = 65536;
constexpr std::size_t kPayload = 22;
constexpr std::size_t kBatch = 32;
// However busy the host is: enough to have a rate.
constexpr std::uint64_t kLeastPieces = 4;
constexpr std::uint64_t kLeastFrames = 4 * kBatch;
constexpr int kReceiveBuffer = 4 << 20;
constexpr timeval kSilence{0, 50'000};

using Piece = std::vector<std::byte>;

Piece MakePiece() {
    Piece piece(kPiece);
    for (std::size_t at = 0; at < kPiece; ++at) piece[at] = static_cast<std::byte>(at * 7 + at / 251);
    return piece;
}

// A batch of datagrams for sendmmsg and recvmmsg.
struct Batch {
    std::array<std::array<std::byte, kPayload>, kBatch> payloads{};
    std::array<iovec, kBatch> pieces{};
    std::array<mmsghdr, kBatch> headers{};
    sockaddr_in from{};  // of whatever was received last

    Batch() {
        for (std::size_t index = 0; index < kBatch; ++index) {
            pieces[index] = {payloads[index].data(), kPayload};
            headers[index].msg_hdr.msg_iov = &pieces[index];
            headers[index].msg_hdr.msg_iovlen = 1;
        }
    }
    Batch(const Batch&) = delete;
    Batch& operator=(const Batch&) = delete;
};

void Set(const Socket& socket, int level, int option, const void* value, socklen_t size) {
    if (setsockopt(socket.fd(), level, option, value, size) != 0) Fail("setsockopt");
}

}  // namespace

Socket::~Socket() {
    if (fd_ >= 0) close(fd_);
}

void SendAll(const Socket& socket, const void* from, std::size_t size) {
    const char* at = static_cast<const char*>(from);
    while (size != 0) {
        const ssize_t sent = send(socket.fd(), at, size, 0);
        if (sent <= 0) Fail("send");
        at += sent;
        size -= static_cast<std::size_t>(sent);
    }
}

void ReceiveAll(const Socket& socket, void* into, std::size_t size) {
    errno = 0;
    if (recv(socket.fd(), into, size, MSG_WAITALL) != static_cast<ssize_t>(size)) Fail("the other end is gone");
}

void NoDelay(const Socket& socket) {
    const int on = 1;
    Set(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

void SendBulk(const Socket& socket, std::uint64_t nanoseconds) {
    Piece piece = MakePiece();
    const std::uint64_t end = Nanoseconds() + nanoseconds;
    for (std::uint64_t number = 0; number < kLeastPieces || Nanoseconds() < end; ++number) {
        std::memcpy(piece.data(), &number, sizeof number);
        SendAll(socket, piece.data(), piece.size());
    }
    shutdown(socket.fd(), SHUT_WR);
}

NetReport ReceiveBulk(const Socket& socket) {
    Piece expected = MakePiece();
    Piece piece(kPiece);
    std::uint64_t begun = 0;
    for (std::uint64_t number = 0;; ++number) {
        errno = 0;
        const ssize_t got = recv(socket.fd(), piece.data(), kPiece, MSG_WAITALL);
        if (got == 0 && number > 1) return {(number - 1) * kPiece, Nanoseconds() - begun};
        if (got != static_cast<ssize_t>(kPiece)) Fail("a stream ended early");
        if (number == 0) begun = Nanoseconds();
        std::memcpy(expected.data(), &number, sizeof number);
        const std::size_t looked_at = number % 16 == 0 ? kPiece : sizeof number;
        if (std::memcmp(piece.data(), expected.data(), looked_at) != 0) Fail("a stream has wrong bytes");
    }
}

Socket OpenUdp(std::uint32_t& port) {
    Socket udp(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_in own{};
    own.sin_family = AF_INET;
    socklen_t size = sizeof own;
    sockaddr* const address = reinterpret_cast<sockaddr*>(&own);
    if (udp.fd() < 0 || bind(udp.fd(), address, size) != 0 || getsockname(udp.fd(), address, &size) != 0) Fail("UDP");
    Set(udp, SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBuffer, sizeof kReceiveBuffer);
    Set(udp, SOL_SOCKET, SO_RCVTIMEO, &kSilence, sizeof kSilence);
    port = ntohs(own.sin_port);
    return udp;
}

std::uint64_t SendFrames(const Socket& socket, const sockaddr_in& to, std::uint64_t nanoseconds) {
    if (connect(socket.fd(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) Fail("cannot connect UDP");
    const Piece pattern = MakePiece();
    Batch batch;
    for (auto& payload : batch.payloads) std::memcpy(payload.data(), pattern.data(), kPayload);
    const std::uint64_t end = Nanoseconds() + nanoseconds;
    std::uint64_t sent = 0;
    std::uint64_t settled = 0;  // have come, or are lost
    while (sent < kLeastFrames || Nanoseconds() < end) {
        if (sent < settled + kWindow) {
            const int more = sendmmsg(socket.fd(), batch.headers.data(), kBatch, 0);
            if (more < 0 && errno != ENOBUFS) Fail("cannot send frames");
            if (more > 0) sent += static_cast<std::uint64_t>(more);
            continue;
        }
        std::uint64_t come = 0;
        if (recv(socket.fd(), &come, sizeof come, 0) == sizeof come) {
            settled = std::max(settled, come);
        } else if (errno == EAGAIN) {
            settled = sent;
        } else {
            Fail("cannot hear what has come");
        }
    }
    return sent;
}

NetReport ReceiveFrames(const Socket& socket, const std::atomic<bool>& stop) {
    const Piece pattern = MakePiece();
    Batch batch;
    for (mmsghdr& header : batch.headers) {
        header.msg_hdr.msg_name = &batch.from;
        header.msg_hdr.msg_namelen = sizeof batch.from;
    }
    NetReport report{};  // the first batch only starts the clock
    std::uint64_t begun = 0;
    std::uint64_t come = 0;
    std::uint64_t told = 0;
    for (;;) {
        const int got = recvmmsg(socket.fd(), batch.headers.data(), kBatch, MSG_WAITFORONE, nullptr);
        if (got < 0 && errno != EAGAIN) Fail("cannot receive frames");
        if (got <= 0) {
            if (stop.load()) return report;
            continue;
        }
        const std::uint64_t now = Nanoseconds();
        come += static_cast<std::uint64_t>(got);
        if (begun == 0) {
            begun = now;
        } else {
            report.count += static_cast<std::uint64_t>(got);
            report.nanoseconds = now - begun;
        }
        errno = 0;
        for (std::size_t index = 0; index < static_cast<std::size_t>(got); ++index) {
            if (batch.headers[index].msg_len != kPayload ||
                std::memcmp(batch.payloads[index].data(), pattern.data(), kPayload) != 0) {
                Fail("a frame has wrong bytes");
            }
        }
        if (come >= told + kCredit) {
            told = come;
            if (sendto(socket.fd(), &told, sizeof told, 0, reinterpret_cast<const sockaddr*>(&batch.from),
                       sizeof batch.from) < 0) {
                Fail("cannot say what has come");
            }
        }
    }
}

}  // namespace husk::bench
