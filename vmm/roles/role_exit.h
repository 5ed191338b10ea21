// How confined roles leave: at once, without destructors, without the C library's exit handlers.
#pragma once

#include <sys/syscall.h>
#include <unistd.h>

#include "vmm/roles/mailbox.h"

namespace husk {

[[noreturn]] inline void LeaveRole(int status) {
#ifdef __SANITIZE_THREAD__
    ::_exit(
        status);  // ThreadSanitizer says here what it found. (LeakSanitizer would clone and ptrace: not when sealed.)
#endif
    ::syscall(SYS_exit_group, status);
    __builtin_unreachable();
}

// Tells the launcher why the role cannot start, and leaves.
[[noreturn]] inline void FailRole(const Channel& launcher, const Error& error) {
    Failed message;
    message.error_kind = static_cast<std::uint32_t>(error.Kind());
    message.text.Assign(error.Message());
    [[maybe_unused]] const auto sent = SendMessage(launcher, message);
    LeaveRole(1);
}

}  // namespace husk
