// How a VM ended, and husk's exit status for it.
#pragma once

#include <cstdint>
#include <string>

#include "vmm/base/result.h"
#include "vmm/roles/messages.h"

namespace husk {

enum class ExitStatus : int {
    kPoweredOff = 0,
    kHostFailure = 1,
    kUsage = 2,
    kReboot = 3,  // with --on-reboot exit
    kCrashed = 4,
    kConfinementRefused = 5,
    kBootSourceUnusable = 6,
    kForbiddenSyscall = 7,
    kEndedBySignal = 128,  // plus the signal's number: a person ended the VM before the guest did
};

// How one run of the VM, from start to poweroff, reset or failure, ended.
struct Ending {
    ExitStatus status = ExitStatus::kPoweredOff;
    int signal = 0;        // with kEndedBySignal
    std::string reason;    // one word for machines: "poweroff", "reset", "triple-fault", ...
    std::string sentence;  // for people; empty when there is nothing to say
    [[nodiscard]] int Code() const { return static_cast<int>(status) + signal; }
};

[[nodiscard]] ExitStatus StatusOf(ErrorKind kind);
[[nodiscard]] Ending EndingOf(const GuestEnded& ended, const std::string& device);
// A role that told its launcher of a forbidden system call before it died of it.
[[nodiscard]] Ending EndingOfViolation(const std::string& role, const Violation& violation);
// A role that died by itself; `wait_status` as waitpid(2) gives it.
[[nodiscard]] Ending EndingOfDeadRole(const std::string& role, int wait_status);

}  // namespace husk
