// A role for tests of SpawnRole: starts as one, answers one request on its channel, and stays until the channel ends.
#include "tests/support/role_probe.h"

#include <fcntl.h>
#include <net/if.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "sandbox/process/role_start.h"

namespace husk {
namespace {

std::uint64_t HardLimit(__rlimit_resource resource) {
    rlimit limit{};
    ::getrlimit(resource, &limit);
    return limit.rlim_max;
}

unsigned CountInterfaces() {
    unsigned count = 0;
    struct if_nameindex* const all = ::if_nameindex();
    while (all != nullptr && all[count].if_index != 0) ++count;
    if (all != nullptr) ::if_freenameindex(all);
    return count;
}

unsigned CountDescriptors() {
    unsigned count = 0;
    for (int fd = 0; fd < 256; ++fd) count += ::fcntl(fd, F_GETFD) >= 0 ? 1U : 0U;
    return count;
}

int Probe() {
    ProbeRequest request;
    ProbeReport report;
    struct sigaction at_start{};
    ::sigaction(SIGINT, nullptr, &at_start);
    report.sigint_ignored_at_start = at_start.sa_handler == SIG_IGN;
    if (::recv(kProbeChannel, &request, sizeof request, 0) != sizeof request) return 2;
    if (!BeginRole({SIGKILL, request.check_channel ? kProbeChannel : -1}, "probe")) return 3;
    sigset_t blocked;
    ::sigprocmask(SIG_BLOCK, nullptr, &blocked);
    report.sigusr2_blocked_after_begin = ::sigismember(&blocked, SIGUSR2) == 1;
    report.pid = ::getpid();
    report.parent = ::getppid();
    report.signal_outsider_errno = ::kill(request.outsider, 0) == 0 ? 0 : errno;
    report.interfaces = CountInterfaces();
    while (environ[report.variables] != nullptr) ++report.variables;
    report.descriptors = CountDescriptors();
    report.core_limit = HardLimit(RLIMIT_CORE);
    report.open_files_limit = HardLimit(RLIMIT_NOFILE);
    report.file_size_limit = HardLimit(RLIMIT_FSIZE);
    if (::send(kProbeChannel, &report, sizeof report, MSG_NOSIGNAL) != sizeof report) return 4;
    return ::recv(kProbeChannel, &request, sizeof request, 0) == 0 ? 0 : 5;
}

}  // namespace
}  // namespace husk

int main() { return husk::Probe(); }
