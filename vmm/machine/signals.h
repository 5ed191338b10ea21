// Signals: those that mean something to husk, as something to poll. The launcher's only thread.
#pragma once

#include <fcntl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>
#include <optional>

#include "vmm/base/scoped_fd.h"

namespace husk {

class Signals {
 public:
    Signals() {
        sigset_t set;
        ::sigemptyset(&set);
        for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1}) ::sigaddset(&set, number);
        ::sigprocmask(SIG_BLOCK, &set, nullptr);
        ::signal(SIGPIPE, SIG_IGN);
        ::signal(SIGTTOU, SIG_IGN);
        fd_.Reset(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
        // Looked up now: a terminal that hangs up is gone by the time its SIGHUP comes.
        has_terminal_ = ScopedFd(::open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC)).Get() >= 0;
    }
    // To a service, which has no terminal that could hang up, SIGHUP says: look at your configuration again.
    [[nodiscard]] bool AsksToLookAgain(int number) const {
        return number == SIGUSR1 || (number == SIGHUP && !has_terminal_);
    }
    [[nodiscard]] int Fd() const { return fd_.Get(); }
    [[nodiscard]] std::optional<int> Take() const {
        signalfd_siginfo info{};
        if (::read(fd_.Get(), &info, sizeof info) != ssize_t{sizeof info}) return std::nullopt;
        return static_cast<int>(info.ssi_signo);
    }

 private:
    ScopedFd fd_;
    bool has_terminal_ = false;
};

}  // namespace husk
