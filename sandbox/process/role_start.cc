#include "sandbox/process/role_start.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>

namespace husk {

Result<> BeginRole(ParentDeath death, const char* name) {
    const pid_t launcher = ::getppid();
    if (::prctl(PR_SET_PDEATHSIG, death.signal) != 0) return FailOs("cannot tie a role to its launcher");
    // The launcher may have died before the line above took effect. If it did so even before the first line, its
    // channel is closed, and the role gets no further than its first message.
    if (::getppid() != launcher) ::raise(SIGKILL);
    ::prctl(PR_SET_NAME, name);
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return FailOs("cannot set no_new_privs");
    const rlimit no_core{0, 0};
    if (::setrlimit(RLIMIT_CORE, &no_core) != 0) return FailOs("cannot forbid core dumps");
    for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGTTIN, SIGTTOU, SIGPIPE, SIGWINCH}) {
        ::signal(number, SIG_IGN);
    }
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    return {};
}

Result<> FillFreeSlots(int end) {
    for (int slot = STDERR_FILENO + 1; slot < end; ++slot) {
        if (::fcntl(slot, F_GETFD) >= 0) continue;
        if (::dup3(STDIN_FILENO, slot, O_CLOEXEC) != slot) return FailOs("cannot fill a descriptor's slot");
    }
    return {};
}

Result<ScopedFd> MoveToSlot(ScopedFd fd, int slot) {
    if (fd.Get() == slot) return fd;
    if (::dup3(fd.Get(), slot, O_CLOEXEC) != slot) return FailOs("cannot place a descriptor on its slot");
    return ScopedFd(slot);
}

}  // namespace husk
