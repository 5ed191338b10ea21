#include "vmm/roles/channel.h"

#include <sys/socket.h>

#include <cstring>

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

Result<Channel::Received> Channel::Receive(std::span<std::byte> buffer) const {
    iovec data{buffer.data(), buffer.size()};
    alignas(cmsghdr) std::byte control[CMSG_SPACE(sizeof(int))]{};
    msghdr header{};
    header.msg_iov = &data;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = CMSG_LEN(sizeof(int));  // no padding: the kernel would put a second descriptor there
    ssize_t got = 0;
    do {
        got = ::recvmsg(socket_.Get(), &header, MSG_CMSG_CLOEXEC);
    } while (got < 0 && errno == EINTR);
    if (got < 0 && errno == ECONNRESET) return Received{};
    if (got < 0) return FailOs("cannot receive from a role");
    Received received{static_cast<std::size_t>(got), ScopedFd()};
    const cmsghdr* const rights = CMSG_FIRSTHDR(&header);
    if (rights != nullptr && rights->cmsg_level == SOL_SOCKET && rights->cmsg_type == SCM_RIGHTS &&
        rights->cmsg_len == CMSG_LEN(sizeof(int))) {
        int fd = -1;
        std::memcpy(&fd, CMSG_DATA(rights), sizeof fd);
        received.fd.Reset(fd);
    }
    if ((header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) return Fail("a role sent more than its messages hold");
    return received;
}

}  // namespace husk
