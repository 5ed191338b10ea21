#include "devices/host/unix_listener.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>

namespace husk {
namespace {

void RemoveStaleSocket(const std::string& path, const sockaddr_un& address) {
    struct stat status{};
    if (::lstat(path.c_str(), &status) != 0 || !S_ISSOCK(status.st_mode)) return;
    const ScopedFd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const int connected = ::connect(probe.Get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
    if (connected != 0 && errno == ECONNREFUSED) ::unlink(path.c_str());
}

}  // namespace

Result<UnixListener> UnixListener::Open(const std::string& what, const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    static_assert(kMaxPath + 1 == sizeof address.sun_path);
    if (path.empty() || path.size() > kMaxPath) {
        return Fail(ErrorKind::kUsage, "the path of " + what + " must have 1 to 107 bytes: " + path);
    }
    path.copy(address.sun_path, path.size());
    const std::string failed = "cannot create " + what + " " + path;
    ScopedFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) return FailOs(failed);
    RemoveStaleSocket(path, address);
    const mode_t mask = ::umask(0077);
    const int bound = ::bind(fd.Get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
    const int bind_errno = errno;
    ::umask(mask);
    if (bound != 0) return FailOs(failed, bind_errno);
    UnixListener listener(std::move(fd), path);
    if (::listen(listener.Fd(), 1) != 0) return FailOs("cannot listen on " + what + " " + path);
    return listener;
}

UnixListener::~UnixListener() {
    if (fd_) ::unlink(path_.c_str());
}

}  // namespace husk
