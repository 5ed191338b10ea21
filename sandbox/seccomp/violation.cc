#include "sandbox/seccomp/violation.h"

#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <csignal>
#include <cstring>

namespace husk {
namespace {

struct Report {
    std::array<std::byte, kMaxViolationMessage> message{};
    std::size_t size = 0;
    std::size_t violation_at = 0;
    int fd = -1;
};
Report report;  // written before the process is sealed, then by the one call of the handler

std::array<std::uint64_t, 6> ArgumentsOf(const ucontext_t& context) {
    std::array<std::uint64_t, 6> arguments{};
    std::size_t next = 0;
    for (const int at : {REG_RDI, REG_RSI, REG_RDX, REG_R10, REG_R8, REG_R9}) {
        arguments[next++] = static_cast<std::uint64_t>(context.uc_mcontext.gregs[at]);
    }
    return arguments;
}

void WriteReport(const siginfo_t& info, const ucontext_t& context) {
    const SyscallViolation violation{static_cast<std::uint32_t>(info.si_syscall), info.si_arch, ArgumentsOf(context)};
    std::memcpy(report.message.data() + report.violation_at, &violation, sizeof violation);
    ::syscall(SYS_write, long{report.fd}, report.message.data(), report.size);
}

// Never returns: behind it lies the code that made the forbidden call. SA_RESETHAND has already put back the default
// disposition, so the next SIGSYS ends the process: under a filter tgkill is forbidden itself, without one it sends it.
void OnForbiddenCall(int, siginfo_t* info, void* context) {
    constexpr int kBySeccomp = 1;  // SYS_SECCOMP: not somebody's kill(2)
    if (info->si_code == kBySeccomp) WriteReport(*info, *static_cast<const ucontext_t*>(context));
    ::syscall(SYS_tgkill, ::syscall(SYS_getpid), ::syscall(SYS_gettid), long{SIGSYS});
    __builtin_trap();  // the first process of a PID namespace does not die of signals that it sends itself
}

}  // namespace

Result<> ReportViolations(int fd, std::span<const std::byte> message, std::size_t violation_at) {
    if (message.size() > kMaxViolationMessage || violation_at > message.size() ||
        message.size() - violation_at < sizeof(SyscallViolation)) {
        return Fail("the report of a forbidden system call has no room for it");
    }
    std::memcpy(report.message.data(), message.data(), message.size());
    report.size = message.size();
    report.violation_at = violation_at;
    report.fd = fd;
    struct sigaction action{};
    action.sa_sigaction = OnForbiddenCall;
    action.sa_flags = SA_SIGINFO | static_cast<int>(SA_RESETHAND) | SA_NODEFER;
    if (::sigaction(SIGSYS, &action, nullptr) != 0) return FailOs("cannot catch forbidden system calls");
    return {};
}

}  // namespace husk
