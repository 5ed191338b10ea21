#include "sandbox/process/spawn.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string_view>
#include <vector>

namespace husk {
namespace {

constexpr int kFirstSlot = 3;

// Slots may name descriptors that other slots are made from, so everything moves out of the way first.
bool PlaceDescriptors(std::span<const SlotAssignment> slots, std::span<int> parked, int null_fd, bool keep_stderr) {
    int last = kFirstSlot - 1;
    for (const SlotAssignment& assignment : slots) last = std::max(last, assignment.slot);
    const int safe_null = ::fcntl(null_fd, F_DUPFD_CLOEXEC, last + 1);
    if (safe_null < 0) return false;
    for (std::size_t i = 0; i < slots.size(); ++i) {
        parked[i] = ::fcntl(slots[i].fd, F_DUPFD_CLOEXEC, last + 1);
        if (parked[i] < 0) return false;
    }
    for (int standard = 0; standard < kFirstSlot; ++standard) {
        if (standard == STDERR_FILENO && keep_stderr) continue;
        if (::dup2(safe_null, standard) < 0) return false;
    }
    ::close_range(kFirstSlot, ~0U, CLOSE_RANGE_CLOEXEC);
    for (std::size_t i = 0; i < slots.size(); ++i) {
        if (::dup2(parked[i], slots[i].slot) < 0) return false;  // dup2 leaves close-on-exec off
    }
    return true;
}

// All that the child needs, prepared before it exists.
struct Execution {
    const char* program;
    std::array<char*, 2> argv;
    std::vector<char*> envp;
    std::span<const SlotAssignment> slots;
    std::vector<int> parked;
    int null_fd;
    bool keep_stderr;
    int error;
};

// The child runs in the launcher's memory until its exec: no allocation there, and nothing to be seen afterwards but
// `error`. A function of its own, so that no variable of a caller lives in a register across vfork.
[[gnu::noinline]] pid_t StartProcess(Execution& execution) {
    const pid_t pid = ::vfork();
    if (pid == 0) {
        if (PlaceDescriptors(execution.slots, execution.parked, execution.null_fd, execution.keep_stderr)) {
            ::execve(execution.program, execution.argv.data(), execution.envp.data());
        }
        execution.error = errno;
        ::_exit(127);
    }
    return pid;
}

std::vector<std::string> RoleEnvironment(const std::string& role) {
    std::vector<std::string> environment{std::string(kRoleVariable) + "=" + role};
#ifdef HUSK_SANITIZED
    for (const char* name : {"ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"}) {
        if (const char* value = std::getenv(name)) environment.push_back(std::string(name) + "=" + value);
    }
#endif
    return environment;
}

}  // namespace

Result<RoleProcess> SpawnRole(const std::string& program, const std::string& role, const std::string& title,
                              std::span<const SlotAssignment> slots) {
    const ScopedFd null_fd(::open("/dev/null", O_RDWR | O_CLOEXEC));
    if (!null_fd) return FailOs("cannot open /dev/null");
#ifdef HUSK_SANITIZED
    constexpr bool kKeepStderr = true;  // where the sanitizers report
#else
    constexpr bool kKeepStderr = false;
#endif
    std::string argument = title;
    std::vector<std::string> environment = RoleEnvironment(role);
    Execution execution{.program = program.c_str(),
                        .argv = {argument.data(), nullptr},
                        .envp = {},
                        .slots = slots,
                        .parked = std::vector<int>(slots.size()),
                        .null_fd = null_fd.Get(),
                        .keep_stderr = kKeepStderr,
                        .error = 0};
    for (std::string& variable : environment) execution.envp.push_back(variable.data());
    execution.envp.push_back(nullptr);
    const pid_t pid = StartProcess(execution);
    if (pid < 0) return FailOs("cannot start role " + role);
    if (execution.error != 0) {
        ::waitpid(pid, nullptr, 0);
        return FailOs("cannot start role " + role + " (" + program + ")", execution.error);
    }
    RoleProcess process{pid, ScopedFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)))};
    if (!process.pidfd) return FailOs("cannot watch role " + role);
    return process;
}

int WaitForRole(const RoleProcess& process) {
    int status = 0;
    while (::waitpid(process.pid, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
}

}  // namespace husk
