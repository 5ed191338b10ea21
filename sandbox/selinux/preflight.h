// Asks the policy, before anything is done, whether it will let husk start its roles in their domain, and says in words
// what it refuses and what would give it. Without this, a refusal is "Permission denied" out of an exec.
#pragma once

#include <string>
#include <vector>

#include "sandbox/selinux/context.h"
#include "sandbox/selinux/selinux_host.h"
#include "vmm/base/result.h"

namespace husk {

struct PreflightQuestion {
    std::string launcher;    // context
    SecurityContext target;  // of the roles
    std::string program;     // path of husk's binary
    std::string binary;      // its label
    bool nosuid = false;     // it lies on a nosuid mount
    bool enforcing = true;   // else a refusal becomes a warning, since the kernel will only report it
};

// Warnings for the log: what is not enforced. Errors are of kind kConfinement.
[[nodiscard]] Result<std::vector<std::string>> Preflight(const PreflightQuestion& question, const SelinuxHost& host);

}  // namespace husk
