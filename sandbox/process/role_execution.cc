#include "sandbox/process/role_execution.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "sandbox/process/capabilities.h"

namespace husk {
namespace {

constexpr int kFirstSlot = 3;

int ErrnoUnless(bool done) { return done ? 0 : errno; }

// An exec resets handlers, but what the launcher ignores would stay ignored.
void ResetSignals() {
    struct sigaction standard{};
    standard.sa_handler = SIG_DFL;
    for (int number = 1; number < NSIG; ++number) ::sigaction(number, &standard, nullptr);
}

// Slots may name descriptors that other slots are made from, so everything moves out of the way first.
int PlaceDescriptors(RoleExecution& execution) {
    int last = kFirstSlot - 1;
    for (const SlotAssignment& assignment : execution.slots) last = std::max(last, assignment.slot);
    const int safe_null = ::fcntl(execution.null_fd, F_DUPFD_CLOEXEC, last + 1);
    if (safe_null < 0) return errno;
    for (std::size_t i = 0; i < execution.slots.size(); ++i) {
        execution.parked[i] = ::fcntl(execution.slots[i].fd, F_DUPFD_CLOEXEC, last + 1);
        if (execution.parked[i] < 0) return errno;
    }
    for (int standard = 0; standard < kFirstSlot; ++standard) {
        if (standard == STDERR_FILENO && execution.keep_stderr) continue;
        if (::dup2(safe_null, standard) < 0) return errno;
    }
    if (::close_range(kFirstSlot, ~0U, CLOSE_RANGE_CLOEXEC) != 0) return errno;
    for (std::size_t i = 0; i < execution.slots.size(); ++i) {
        // dup2 leaves close-on-exec off.
        if (::dup2(execution.parked[i], execution.slots[i].slot) < 0) return errno;
    }
    return 0;
}

int LowerLimit(__rlimit_resource resource, std::uint64_t most) {
    rlimit limit{};
    if (::getrlimit(resource, &limit) != 0) return errno;
    limit.rlim_max = std::min(limit.rlim_max, rlim_t{most});
    limit.rlim_cur = limit.rlim_max;
    return ErrnoUnless(::setrlimit(resource, &limit) == 0);
}
static_assert(kUnlimited == RLIM_INFINITY);

int EmptyBoundingSet(const RoleExecution& execution) {
    const int outcome = execution.drop_bounding_set ? DropBoundingSet() : 0;
    return outcome == EPERM ? 0 : outcome;  // an ordinary user without a user namespace: no_new_privs must do
}

}  // namespace

int ExecuteRole(void* argument) {
    RoleExecution& execution = *static_cast<RoleExecution*>(argument);
    const auto taken = [&execution](const char* step, int os_errno) {
        execution.failed_step = step;
        execution.error = os_errno;
        return os_errno == 0;
    };
    ResetSignals();
    // Descriptors before limits: the parked ones may need numbers above the role's limit.
    if (taken("cannot place its descriptors", PlaceDescriptors(execution)) &&
        taken("cannot forbid core dumps", LowerLimit(RLIMIT_CORE, 0)) &&
        taken("cannot limit its open files", LowerLimit(RLIMIT_NOFILE, execution.limits.open_files)) &&
        taken("cannot limit the size of its files", LowerLimit(RLIMIT_FSIZE, execution.limits.file_size)) &&
        taken("cannot empty the capability bounding set", EmptyBoundingSet(execution)) &&
        taken("cannot drop inheritable capabilities", DropInheritedCapabilities())) {
        ::execve(execution.program, execution.argv.data(), execution.envp.data());
        taken("cannot run its program", errno);
    }
    return 127;
}

}  // namespace husk
