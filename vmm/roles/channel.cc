#include "vmm/roles/channel.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "vmm/base/syscalls.h"

namespace husk {

Result<std::pair<Channel, Channel>> Channel::CreatePair() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return FailOs("cannot create a channel");
    return std::pair(Channel(ScopedFd(ends[0])), Channel(ScopedFd(ends[1])));
}

Result<> Channel::Send(std::span<const std::byte> message, int fd) const {
    iovec data{const_cast<std::byte*>(message.data()), message.size()};
    alignas(cmsghdr) std::byte control[CMSG_SPACE(sizeof(int))]{};
    msghdr header{};
    header.msg_iov = &data;
    header.msg_iovlen = 1;
    if (fd >= 0) {
        header.msg_control = control;
        header.msg_controllen = sizeof control;
        cmsghdr* const rights = CMSG_FIRSTHDR(&header);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(sizeof fd);
        std::memcpy(CMSG_DATA(rights), &fd, sizeof fd);
    }
    ssize_t sent = 0;
    do {
        sent = ::sendmsg(socket_.Get(), &header, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    if (sent < 0) return FailOs("cannot send to a role");
    return {};
}

bool Channel::Offer(std::span<const std::byte> message) const {
    // As the kernel counts: a small message is about 1 KiB, and a socket takes about 200 KiB.
    constexpr int kUnreadAtMost = 32 * 1024;
    int unread = 0;
    if (::ioctl(socket_.Get(), SIOCOUTQ, &unread) != 0 || unread > kUnreadAtMost) return false;
    // By sendmsg, which the launcher's table of system calls has.
    iovec data{const_cast<std::byte*>(message.data()), message.size()};
    msghdr header{};
    header.msg_iov = &data;
    header.msg_iovlen = 1;
    return ::sendmsg(socket_.Get(), &header, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0;
}

namespace {

// One message and at most one descriptor. Without allocation: also what sealed roles receive by.
struct Arrival {
    long size = 0;  // or a negative errno
    int fd = -1;
    bool cut = false;
};

// A peer that left with messages unread: that is said once, before its last words.
bool IsNoAnswer(long got) { return got == -EINTR || got == -ECONNRESET; }

Arrival ReceiveOne(int socket, std::span<std::byte> buffer) {
    iovec data{buffer.data(), buffer.size()};
    alignas(cmsghdr) std::byte control[CMSG_SPACE(sizeof(int))]{};
    msghdr header{};
    header.msg_iov = &data;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = CMSG_LEN(sizeof(int));  // no padding: the kernel would put a second descriptor there
    Arrival arrival;
    do {
        arrival.size = RawSyscall(SYS_recvmsg, socket, &header, int{MSG_CMSG_CLOEXEC});
    } while (IsNoAnswer(arrival.size));
    if (arrival.size < 0) return arrival;
    arrival.cut = (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0;
    const cmsghdr* const rights = CMSG_FIRSTHDR(&header);
    if (rights != nullptr && rights->cmsg_level == SOL_SOCKET && rights->cmsg_type == SCM_RIGHTS &&
        rights->cmsg_len == CMSG_LEN(sizeof(int))) {
        std::memcpy(&arrival.fd, CMSG_DATA(rights), sizeof arrival.fd);
    }
    return arrival;
}

}  // namespace

Result<Channel::Received> Channel::Receive(std::span<std::byte> buffer) const {
    const Arrival arrival = ReceiveOne(socket_.Get(), buffer);
    Received received{0, ScopedFd(arrival.fd)};
    if (arrival.size < 0) return FailOs("cannot receive from a role", static_cast<int>(-arrival.size));
    if (arrival.cut) return Fail("a role sent more than its messages hold");
    received.size = static_cast<std::size_t>(arrival.size);
    return received;
}

bool Channel::Post(std::span<const std::byte> message) const {
    long sent = 0;
    do {
        sent = RawWrite(socket_.Get(), message);
    } while (sent == -EINTR);
    return sent == static_cast<long>(message.size());
}

std::size_t Channel::Take(std::span<std::byte> buffer) const {
    long got = 0;
    do {
        got = RawRead(socket_.Get(), buffer);
    } while (IsNoAnswer(got));
    return got > 0 ? static_cast<std::size_t>(got) : 0;
}

Channel::Taken Channel::TakeWithFd(std::span<std::byte> buffer) const {
    const Arrival arrival = ReceiveOne(socket_.Get(), buffer);
    return {arrival.size > 0 ? static_cast<std::size_t>(arrival.size) : 0, arrival.fd};
}

}  // namespace husk
