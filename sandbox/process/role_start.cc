#include "sandbox/process/role_start.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>

namespace husk {

Result<> BeginRole(ParentDeath death, const char* name) {
    const pid_t launcher = ::getppid();
    if (::prctl(PR_SET_PDEATHSIG, death.signal) != 0) return FailOs("cannot tie a role to its launcher");
    // The launcher may have died before the line above took effect; then an orphan's parent differs already.
    if (::getppid() != launcher || launcher == 1) ::raise(SIGKILL);
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

}  // namespace husk
