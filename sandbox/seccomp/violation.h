// A sealed thread called what its table does not list: one report to the launcher, then the process dies of SIGSYS.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "vmm/base/result.h"

namespace husk {

// What the handler adds to the report.
struct SyscallViolation {
    std::uint32_t number = 0;                  // the system call's, of x86-64
    std::uint32_t architecture = 0;            // an AUDIT_ARCH_ value
    std::array<std::uint64_t, 6> arguments{};  // as the thread passed them
};
static_assert(sizeof(SyscallViolation) == 56);

inline constexpr std::size_t kMaxViolationMessage = 128;

// From here on, the first violation in this process writes `message` to `fd` by one write(2), with a SyscallViolation
// laid over its bytes at `violation_at`. The filters of all threads must allow that write; whether it succeeds or not,
// the process then dies of SIGSYS. Calls by other architectures' tables kill without a report. Once, single-threaded.
[[nodiscard]] Result<> ReportViolations(int fd, std::span<const std::byte> message, std::size_t violation_at);

}  // namespace husk
