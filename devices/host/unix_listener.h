// UnixListener: a unix stream socket that waits for clients, at a path that goes with it. Opened by the launcher; roles
// get connections only.
#pragma once

#include <string>
#include <utility>

#include "vmm/base/result.h"
#include "vmm/base/scoped_fd.h"

namespace husk {

class UnixListener {
 public:
    // `what` it is, for people: "the console socket". The path is for its owner only: a console is the machine's
    // keyboard. One that nobody listens on any more was left by a husk that was killed, and is replaced.
    [[nodiscard]] static Result<UnixListener> Open(const std::string& what, const std::string& path);

    UnixListener(UnixListener&& other) noexcept
        : fd_(std::move(other.fd_)), path_(std::exchange(other.path_, std::string())) {}
    UnixListener& operator=(UnixListener&& other) noexcept {
        std::swap(fd_, other.fd_);
        std::swap(path_, other.path_);
        return *this;
    }
    ~UnixListener();

    [[nodiscard]] int Fd() const { return fd_.Get(); }
    [[nodiscard]] const std::string& Path() const { return path_; }

    static constexpr std::size_t kMaxPath = 107;  // bytes: what sockaddr_un holds, less its zero

 private:
    UnixListener(ScopedFd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

    ScopedFd fd_;
    std::string path_;
};

}  // namespace husk
