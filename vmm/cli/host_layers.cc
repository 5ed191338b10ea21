#include "vmm/cli/host_layers.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>

namespace husk {
namespace {

std::string FirstLine(const char* path) {
    std::ifstream file(path);
    std::string line;
    std::getline(file, line, '\0');
    while (!line.empty() && line.back() == '\n') line.pop_back();
    return line;
}

HostLayer Seccomp() {
    unsigned action = SECCOMP_RET_KILL_PROCESS;
    const bool present = ::syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
    return {"seccomp", present, present ? "filters with KILL_PROCESS" : "the kernel has no seccomp filters"};
}

HostLayer SELinux() {
    const std::string context = FirstLine("/proc/self/attr/current");
    const bool present = ::access("/sys/fs/selinux/enforce", F_OK) == 0 && !context.empty();
    if (!present) return {"SELinux", false, "not active"};
    const bool enforcing = FirstLine("/sys/fs/selinux/enforce") == "1";
    return {"SELinux", true, std::string(enforcing ? "enforcing" : "permissive") + ", husk runs as " + context};
}

HostLayer Landlock() {
    const long abi = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (abi < 1) return {"Landlock", false, std::strerror(errno)};
    return {"Landlock", true, "ABI " + std::to_string(abi)};
}

// Tried for real in a child: hardened hosts refuse by several means.
HostLayer UserNamespaces() {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(::unshare(CLONE_NEWUSER) == 0 ? 0 : errno);
    int status = 0;
    if (child < 0 || ::waitpid(child, &status, 0) != child || !WIFEXITED(status))
        return {"user namespaces", false, "cannot tell"};
    const int os_errno = WEXITSTATUS(status);
    return {"user namespaces", os_errno == 0, os_errno == 0 ? "allowed" : std::strerror(os_errno)};
}

HostLayer IoUring() {
    alignas(8) std::array<std::byte, 256> parameters{};
    const long ring = ::syscall(SYS_io_uring_setup, 1, parameters.data());
    if (ring < 0)
        return {"io_uring", false, std::string(std::strerror(errno)) + " (husk uses preadv and pwritev instead)"};
    ::close(static_cast<int>(ring));
    return {"io_uring", true, "allowed"};
}

}  // namespace

std::vector<HostLayer> InspectHostLayers() { return {Seccomp(), SELinux(), Landlock(), UserNamespaces(), IoUring()}; }

}  // namespace husk
