#include "devices/host/tap.h"

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <optional>
#include <span>

#include "vmm/base/syscalls.h"

namespace husk {
namespace {

constexpr const char* kDevice = "/dev/net/tun";

// A small frame: what was copied of it is all of it, header and head side by side. One write costs less than a writev
// of two pieces.
std::optional<std::span<const std::byte>> OnePiece(std::span<const iovec> frame) {
    if (frame.size() != 2) return std::nullopt;
    const auto* const first = static_cast<const std::byte*>(frame[0].iov_base);
    if (first + frame[0].iov_len != frame[1].iov_base) return std::nullopt;
    return std::span(first, frame[0].iov_len + frame[1].iov_len);
}

std::string Interface(const std::string& name) { return "network interface " + name; }

ifreq RequestFor(const std::string& name) {
    ifreq request{};
    name.copy(request.ifr_name, IFNAMSIZ - 1);
    return request;
}

// Why the kernel attached us to no queue of the interface.
std::unexpected<Error> Explain(const std::string& name, std::uint32_t queues, bool exists, int error) {
    if (error == EPERM && exists) {
        return Fail("cannot use " + Interface(name) +
                    ": it belongs to another user (ip tuntap add makes one that belongs to you)");
    }
    if (error == EPERM) {
        return Fail(Interface(name) + " does not exist, and creating it takes privileges (as root: ip tuntap add dev " +
                    name + " mode tap user USER" + (queues > 1 ? " multi_queue" : "") + ")");
    }
    if (error == EBUSY) return Fail(Interface(name) + " is in use by another program");
    if (error == EINVAL && exists) {
        return Fail(ErrorKind::kUsage,
                    Interface(name) + (queues > 1 ? " is no tap with several queues" : " is no tap with one queue"));
    }
    if (error == E2BIG) {
        return Fail(ErrorKind::kUsage, Interface(name) + " has fewer than " + std::to_string(queues) + " queues left");
    }
    return FailOs("cannot open " + Interface(name), error);
}

// Header size and offloads; what the host can leave undone is found by asking for it.
Result<NetOffloads> Prepare(const std::string& name, int fd) {
    const int header = kNetHeaderBytes;
    if (::ioctl(fd, TUNSETVNETHDRSZ, &header) != 0) return FailOs("cannot set the header of " + Interface(name));
    NetOffloads offloads;
    offloads.csum = ::ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM) == 0;
    offloads.tso4 = offloads.csum && ::ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4) == 0;
    offloads.tso6 = offloads.csum && ::ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO6) == 0;
    (void)::ioctl(fd, TUNSETOFFLOAD, 0);
    return offloads;
}

// Of an interface in this network namespace.
std::uint16_t MtuOf(const std::string& name) {
    const ScopedFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq request = RequestFor(name);
    if (!socket || ::ioctl(socket.Get(), SIOCGIFMTU, &request) != 0) return 0;
    const int mtu = request.ifr_mtu;
    return mtu >= 68 && mtu <= 65535 ? static_cast<std::uint16_t>(mtu) : std::uint16_t{0};
}

// An interface that was made for this VM alone is of no use while it is down.
Result<> BringUp(const std::string& name) {
    const ScopedFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq request = RequestFor(name);
    if (!socket || ::ioctl(socket.Get(), SIOCGIFFLAGS, &request) != 0)
        return FailOs("cannot inspect " + Interface(name));
    request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
    if (::ioctl(socket.Get(), SIOCSIFFLAGS, &request) != 0) return FailOs("cannot bring up " + Interface(name));
    return {};
}

bool Exists(const std::string& name) {
    const ScopedFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq request = RequestFor(name);
    return socket && ::ioctl(socket.Get(), SIOCGIFFLAGS, &request) == 0;
}

Result<ScopedFd> OpenDevice() {
    ScopedFd fd(::open(kDevice, O_RDWR | O_CLOEXEC | O_NONBLOCK));
    if (!fd) return FailOs(std::string("cannot open ") + kDevice + " (is the module tun loaded?)");
    return fd;
}

}  // namespace

Result<TapHandle> OpenTap(const std::string& name, std::uint32_t queues) {
    const bool exists = Exists(name);
    TapHandle tap{.queues = {}, .name = name, .offloads = {}, .mtu = 0};
    for (std::uint32_t queue = 0; queue < queues; ++queue) {
        ScopedFd fd = HUSK_TRY(OpenDevice());
        ifreq request = RequestFor(name);
        const int flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | (queues > 1 ? IFF_MULTI_QUEUE : 0);
        request.ifr_flags = static_cast<short>(flags);
        if (::ioctl(fd.Get(), TUNSETIFF, &request) != 0) return Explain(name, queues, exists, errno);
        tap.offloads = HUSK_TRY(Prepare(name, fd.Get()));
        tap.queues.push_back(std::move(fd));
    }
    if (!exists) HUSK_TRY(BringUp(name));
    tap.mtu = MtuOf(name);
    return tap;
}

Result<TapHandle> AdoptTap(int fd) {
    const std::string text = "--net fd=" + std::to_string(fd);
    ifreq request{};
    if (::fcntl(fd, F_GETFD) < 0) return Fail(ErrorKind::kUsage, text + ": there is no such descriptor");
    if (::ioctl(fd, TUNGETIFF, &request) != 0) return Fail(ErrorKind::kUsage, text + ": this is no tap");
    const auto flags = static_cast<unsigned short>(request.ifr_flags);
    if ((flags & IFF_TAP) == 0) return Fail(ErrorKind::kUsage, text + ": this is a tun, not a tap");
    if ((flags & IFF_NO_PI) == 0 || (flags & IFF_VNET_HDR) == 0) {
        return Fail(ErrorKind::kUsage, text + ": this tap was not opened with IFF_NO_PI and IFF_VNET_HDR");
    }
    request.ifr_name[IFNAMSIZ - 1] = '\0';
    TapHandle tap{.queues = {}, .name = request.ifr_name, .offloads = {}, .mtu = 0};
    const int status = ::fcntl(fd, F_GETFL);
    if (status < 0 || ::fcntl(fd, F_SETFL, status | O_NONBLOCK) != 0 || ::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
        return FailOs(text);
    }
    tap.offloads = HUSK_TRY(Prepare(tap.name, fd));
    tap.queues.emplace_back(fd);
    return tap;
}

static_assert(kTapOffloads[1] == TUN_F_CSUM && kTapOffloads[2] == (TUN_F_CSUM | TUN_F_TSO4) &&
              kTapOffloads[3] == (TUN_F_CSUM | TUN_F_TSO6));

void Tap::SetOffloads(const NetOffloads& offloads) {
    std::uint64_t wanted = 0;
    if (offloads.csum) wanted |= TUN_F_CSUM;
    if (offloads.csum && offloads.tso4) wanted |= TUN_F_TSO4;
    if (offloads.csum && offloads.tso6) wanted |= TUN_F_TSO6;
    RawIoctl(Fd(0), TUNSETOFFLOAD, wanted);
}

int Tap::Send(std::uint32_t queue, std::span<iovec> frame) {
    const auto piece = OnePiece(frame);
    for (;;) {
        const long sent =
            piece ? RawWrite(Fd(queue), *piece) : RawSyscall(SYS_writev, Fd(queue), frame.data(), frame.size());
        if (sent >= 0) return 0;
        if (sent == -EINTR) continue;
        if (sent == -EBADFD) gone_ = true;
        return static_cast<int>(-sent);
    }
}

long Tap::Receive(std::uint32_t queue, std::span<const iovec> room) {
    for (;;) {
        const long got = RawSyscall(SYS_readv, Fd(queue), room.data(), room.size());
        if (got == -EINTR) continue;
        if (got == -EBADFD) gone_ = true;
        return got;
    }
}

}  // namespace husk
