#include "vmm/machine/exit_status.h"

#include <sys/wait.h>

#include <csignal>
#include <cstring>

#include "sandbox/seccomp/syscall_name.h"

namespace husk {

ExitStatus StatusOf(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::kUsage:
            return ExitStatus::kUsage;
        case ErrorKind::kConfinement:
            return ExitStatus::kConfinementRefused;
        case ErrorKind::kBootSource:
            return ExitStatus::kBootSourceUnusable;
        case ErrorKind::kHost:
            break;
    }
    return ExitStatus::kHostFailure;
}

Ending EndingOf(const GuestEnded& ended, const std::string& device) {
    switch (ended.reason) {
        case GuestEnded::Reason::kPoweroff:
            return {ExitStatus::kPoweredOff, 0, "poweroff", ""};
        case GuestEnded::Reason::kReset:
            return {ExitStatus::kReboot, 0, "reset", ""};
        case GuestEnded::Reason::kTripleFault:
            return {ExitStatus::kCrashed, 0, "triple-fault",
                    "the guest crashed: triple fault on vCPU " + std::to_string(ended.which) +
                        std::string(ended.text.View())};
        case GuestEnded::Reason::kKvmFailure:
            return {ExitStatus::kCrashed, 0, "kvm-failure", "the guest crashed: " + std::string(ended.text.View())};
        case GuestEnded::Reason::kDeviceStuck:
            return {ExitStatus::kHostFailure, 0, "device-stuck",
                    "the host did not finish the requests of " + device + " in time after the guest reset it"};
        case GuestEnded::Reason::kStopped:
            return {ExitStatus::kEndedBySignal, SIGTERM, "stopped", ""};
    }
    return {ExitStatus::kHostFailure, 0, "unknown", "the vmm role reported an end that husk does not know"};
}

Ending EndingOfViolation(const std::string& role, const Violation& violation) {
    const std::uint32_t number = violation.what.number;
    return {ExitStatus::kForbiddenSyscall, 0, "forbidden-syscall",
            "role " + role + ": syscall " + std::string(SyscallName(number)) + " (" + std::to_string(number) +
                ") is not allowed"};
}

Ending EndingOfDeadRole(const std::string& role, int wait_status) {
    Ending ending{ExitStatus::kHostFailure, 0, "role-died", "role " + role + " died unexpectedly"};
    if (WIFSIGNALED(wait_status)) {
        const int number = WTERMSIG(wait_status);
        ending.sentence += std::string(": ") + ::strsignal(number);
        if (number == SIGSYS) ending.status = ExitStatus::kForbiddenSyscall;
    } else if (WIFEXITED(wait_status)) {
        ending.sentence += ": it exited with status " + std::to_string(WEXITSTATUS(wait_status));
    }
    return ending;
}

}  // namespace husk
