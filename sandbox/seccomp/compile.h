// From a table to the kernel's program, with libseccomp. At build time only: husk itself neither links libseccomp nor
// spends its start on this.
#pragma once

#include <linux/filter.h>

#include <vector>

#include "sandbox/seccomp/rule.h"
#include "vmm/base/result.h"

namespace husk {

// The program: SECCOMP_RET_ALLOW for what the table allows, SECCOMP_RET_TRAP for the rest, and
// SECCOMP_RET_KILL_PROCESS for every call that is not one of x86-64's own table (i386, x32). Duplicate rows are errors.
[[nodiscard]] Result<std::vector<sock_filter>> CompileFilter(const ThreadTable& table);

}  // namespace husk
