// How a launcher gets the connected stream socket that NetStream moves frames over: from a passt that it starts, or
// from one (or QEMU's peer) that listens already.
#pragma once

#include <sys/types.h>

#include <string>

#include "vmm/base/result.h"
#include "vmm/base/scoped_fd.h"

namespace husk {

// Connects to the unix socket at `path`.
[[nodiscard]] Result<ScopedFd> ConnectStream(const std::string& path);

// A passt that belongs to one VM: networking without privileges. It ends when both ends of its socket that others hold
// are closed, or with this.
class Passt {
 public:
    // Starts the passt that is in PATH, with its other end of `socket`. The guest reaches what the user reaches, but
    // not the host's own loopback (--no-map-gw).
    [[nodiscard]] static Result<Passt> Start(ScopedFd& socket);

    Passt(Passt&& other) noexcept;
    Passt& operator=(Passt&&) = delete;
    ~Passt();

    // Readable once it has ended; -1 when that was told.
    [[nodiscard]] int PidFd() const { return pidfd_.Get(); }
    // After its end, once: what it said last.
    [[nodiscard]] std::string LastWords();

 private:
    Passt(pid_t pid, ScopedFd pidfd, ScopedFd said) : pid_(pid), pidfd_(std::move(pidfd)), said_(std::move(said)) {}

    pid_t pid_;
    ScopedFd pidfd_;
    ScopedFd said_;  // a memfd: its standard error
};

}  // namespace husk
