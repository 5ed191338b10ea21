// What the tables are written with: rows and checks that several of them share. Included by their .cc files only.
#pragma once

#include <linux/futex.h>
#include <sys/syscall.h>

#include <ctime>

#include "sandbox/seccomp/rule.h"

// A system call by its name: its number, and the name for people.
#define HUSK_SYSCALL(call) \
    ::husk::Syscall { SYS_##call, #call }

namespace husk::table_rows {

constexpr ArgumentCheck Fd(int slot, std::string_view name) {
    return {0, kDescriptor, static_cast<std::uint64_t>(slot), name};
}
constexpr ArgumentCheck Request(std::uint64_t request, std::string_view name) { return {1, "request", request, name}; }

// A mutex between the threads of one process, and nothing else that futex(2) can do.
constexpr void AllowFutex(ThreadTable& table, std::string_view why) {
    table.Allow(HUSK_SYSCALL(futex), {{1, "op", FUTEX_WAIT_PRIVATE, "FUTEX_WAIT_PRIVATE"}}, why);
    table.Allow(HUSK_SYSCALL(futex), {{1, "op", FUTEX_WAKE_PRIVATE, "FUTEX_WAKE_PRIVATE"}}, why);
}

// What does nothing by itself.
constexpr void AllowUncounted(ThreadTable& table) {
    table.Allow(HUSK_SYSCALL(rt_sigreturn), {}, "returns from a signal handler", Counts::kNo);
    table.Allow(HUSK_SYSCALL(exit_group), {}, "leaves", Counts::kNo);
    table.Allow(HUSK_SYSCALL(restart_syscall), {}, "the kernel's own, after a stop interrupted a wait with a timeout",
                Counts::kNo);
    table.Allow(HUSK_SYSCALL(clock_gettime), {{0, "clock", CLOCK_MONOTONIC, "CLOCK_MONOTONIC"}},
                "what the vDSO falls back to where the host's clock source has no user-space form", Counts::kNo);
}

// What the sanitizers' run-time libraries call on any thread: rows of builds with sanitizers, and of no other.
#ifdef HUSK_SANITIZED
constexpr void AllowSanitizers(ThreadTable& table) {
    for (const Syscall call :
         {HUSK_SYSCALL(mmap), HUSK_SYSCALL(munmap), HUSK_SYSCALL(mremap), HUSK_SYSCALL(mprotect), HUSK_SYSCALL(madvise),
          HUSK_SYSCALL(sigaltstack), HUSK_SYSCALL(rt_sigprocmask), HUSK_SYSCALL(rt_sigaction),
          HUSK_SYSCALL(sched_yield), HUSK_SYSCALL(sched_getaffinity), HUSK_SYSCALL(gettid), HUSK_SYSCALL(getpid),
          HUSK_SYSCALL(nanosleep), HUSK_SYSCALL(clock_nanosleep), HUSK_SYSCALL(getrandom), HUSK_SYSCALL(exit),
          HUSK_SYSCALL(set_robust_list), HUSK_SYSCALL(getrlimit), HUSK_SYSCALL(prlimit64)}) {
        table.Allow(call, {}, "sanitizers", Counts::kNo);
    }
    table.Allow(HUSK_SYSCALL(write), {Fd(2, "standard error")}, "where the sanitizers report", Counts::kNo);
}
#else
constexpr void AllowSanitizers(ThreadTable&) {}
#endif

constexpr void AllowCommon(ThreadTable& table) {
    AllowUncounted(table);
    AllowSanitizers(table);
}

}  // namespace husk::table_rows
