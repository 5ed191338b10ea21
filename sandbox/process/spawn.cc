#include "sandbox/process/spawn.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <utility>

#include "sandbox/process/role_execution.h"
#include "sandbox/process/vfork_child.h"

namespace husk {
namespace {

#ifdef HUSK_SANITIZED
constexpr bool kKeepStderr = true;  // where the sanitizers report
#else
constexpr bool kKeepStderr = false;
#endif

std::vector<std::string> RoleEnvironment(const std::string& role) {
    std::vector<std::string> environment{std::string(kRoleVariable) + "=" + role};
#ifdef HUSK_SANITIZED
    for (const char* name : {"ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"}) {
        if (const char* value = std::getenv(name)) environment.push_back(std::string(name) + "=" + value);
    }
#endif
    return environment;
}

std::string Names(LayerSet layers) {
    std::string names;
    for (const Layer layer : kAllLayers) {
        if (layers.Has(layer)) names.append(names.empty() ? "" : ", ").append(LayerName(layer));
    }
    return names;
}

// The process with what it could get of `wanted`.
struct Child {
    pid_t pid;
    NamespaceFindings namespaces;
};

Result<Child> StartWithLess(RoleExecution& execution, const SpawnOptions& options, int os_errno) {
    const LayerSet wanted = options.namespaces.And(kNamespaceLayers);
    NamespaceFindings found = ProbeNamespaces(wanted);
    for (const AbsentLayer& absent : found.absent) {
        const std::string name(LayerName(absent.layer));
        if (options.required.Has(absent.layer)) {
            return Fail(ErrorKind::kConfinement, "the confinement layer " + name + " is required, but " + absent.why +
                                                     "; to get it: " + absent.how_to_get);
        }
        if (absent.used_up) {
            return Fail(ErrorKind::kConfinement, "the confinement layer " + name + " cannot be applied: " + absent.why +
                                                     "; to get it: " + absent.how_to_get + " (--without " + name +
                                                     " runs without it)");
        }
    }
    if (found.absent.empty()) {
        return Fail(ErrorKind::kConfinement,
                    Error::Os("cannot create the namespaces " + Names(wanted) + " together", os_errno).Message() +
                        " (--without NAME runs without one of them)");
    }
    const pid_t pid = RunVforkChild(ExecuteRole, &execution, CloneFlags(found.available));
    if (pid < 0) return FailOs("cannot create a process");
    return Child{pid, std::move(found)};
}

Result<Child> Start(RoleExecution& execution, const SpawnOptions& options) {
    const LayerSet wanted = options.namespaces.And(kNamespaceLayers);
    const pid_t pid = RunVforkChild(ExecuteRole, &execution, CloneFlags(wanted));
    if (pid >= 0) return Child{pid, {wanted, {}}};
    // Too many processes or too little memory is no word on namespaces.
    if (wanted.Empty() || errno == EAGAIN || errno == ENOMEM) return FailOs("cannot create a process");
    return StartWithLess(execution, options, errno);
}

}  // namespace

Result<RoleProcess> SpawnRole(const std::string& program, const std::string& role, const std::string& title,
                              std::span<const SlotAssignment> slots, const SpawnOptions& options) {
    const ScopedFd null_fd(::open("/dev/null", O_RDWR | O_CLOEXEC));
    if (!null_fd) return FailOs("cannot open /dev/null");
    std::string argument = title;
    std::vector<std::string> environment = RoleEnvironment(role);
    RoleExecution execution{.program = program.c_str(),
                            .argv = {argument.data(), nullptr},
                            .envp = {},
                            .slots = slots,
                            .parked = std::vector<int>(slots.size()),
                            .null_fd = null_fd.Get(),
                            .keep_stderr = kKeepStderr,
                            .limits = options.limits,
                            .drop_bounding_set = options.drop_bounding_set};
    for (std::string& variable : environment) execution.envp.push_back(variable.data());
    execution.envp.push_back(nullptr);
    Child child = HUSK_TRY_IN("cannot start role " + role, Start(execution, options));
    if (execution.error != 0) {
        ::waitpid(child.pid, nullptr, 0);
        return FailOs("cannot start role " + role + ": " + execution.failed_step + " (" + program + ")",
                      execution.error);
    }
    RoleProcess process{.pid = child.pid,
                        .pidfd = ScopedFd(static_cast<int>(::syscall(SYS_pidfd_open, child.pid, 0))),
                        .namespaces = child.namespaces.available,
                        .absent = std::move(child.namespaces.absent)};
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
