#include "sandbox/process/vfork_child.h"

#include <sched.h>
#ifdef HUSK_SANITIZED
#include <sanitizer/asan_interface.h>
#endif

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>

namespace husk {

pid_t RunVforkChild(int (*body)(void*), void* argument, int namespace_flags) {
    // Ample for a few system calls, also with the frames of a sanitizer build.
    alignas(64) static std::array<std::byte, std::size_t{64} << 10> stack;
#ifdef HUSK_SANITIZED
    // Frames that ended in an exec never returned, and left their marks on the stack. (Nothing without ASan.)
    ASAN_UNPOISON_MEMORY_REGION(stack.data(), stack.size());
#endif
    // A handler of this process must not run in the child: it would change this process's memory behind its back.
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::sigprocmask(SIG_SETMASK, &all, &before);
    const pid_t pid =
        ::clone(body, stack.data() + stack.size(), CLONE_VM | CLONE_VFORK | SIGCHLD | namespace_flags, argument);
    const int clone_errno = errno;
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
    errno = clone_errno;
    return pid;
}

}  // namespace husk
