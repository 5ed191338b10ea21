#include "sandbox/process/role_start.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>

namespace husk {

namespace {

// getppid() cannot tell in a pid namespace (it says 0 there), but a process's descriptors are closed before its
// children are told of its death: a launcher that died before the death signal was asked for has hung up.
bool LauncherIsGone(int channel) {
    pollfd hung_up{channel, 0, 0};
    return ::poll(&hung_up, 1, 0) > 0 && (hung_up.revents & POLLHUP) != 0;
}

}  // namespace

Result<> BeginRole(ParentDeath death, const char* name) {
    // prctl reads whole words: an int among its arguments would leave the upper half to chance.
    if (::prctl(PR_SET_PDEATHSIG, static_cast<unsigned long>(death.signal)) != 0)
        return FailOs("cannot tie a role to its launcher");
    // Nothing was begun that would have to be undone. (Without a channel here: the role's first receive tells.)
    if (death.launcher_channel >= 0 && LauncherIsGone(death.launcher_channel)) ::_exit(1);
    ::prctl(PR_SET_NAME, name);
    // The soft limit only: SELinux lets no confined domain change a hard one. The launcher has set it to 0 before.
    rlimit no_core{};
    if (::getrlimit(RLIMIT_CORE, &no_core) != 0) return FailOs("cannot read the limit of core dumps");
    no_core.rlim_cur = 0;
    if (::setrlimit(RLIMIT_CORE, &no_core) != 0) return FailOs("cannot forbid core dumps");
    // SIGXFSZ: a file at its limit is an error of the call (EFBIG), not the end of the role.
    for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGTTIN, SIGTTOU, SIGPIPE, SIGWINCH, SIGXFSZ}) {
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

}  // namespace husk
