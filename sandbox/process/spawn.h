// Starting a confined role: a new process with exactly the descriptors it is given, on the slots it expects them.
#pragma once

#include <sys/types.h>

#include <span>
#include <string>

#include "vmm/base/result.h"
#include "vmm/base/scoped_fd.h"

namespace husk {

// `fd` of this process becomes descriptor `slot` of the role. Slots start at 3; 0, 1 and 2 are /dev/null.
struct SlotAssignment {
    int fd;
    int slot;
};

struct RoleProcess {
    pid_t pid = -1;
    ScopedFd pidfd;  // readable once the process has ended
};

// The variable that tells a re-executed husk which role it is.
inline constexpr const char* kRoleVariable = "HUSK_ROLE";

// Runs `program` (an absolute path) with `title` as its only argument and an environment of kRoleVariable=`role` alone.
// The launcher's main thread only: roles die with the thread that started them.
[[nodiscard]] Result<RoleProcess> SpawnRole(const std::string& program, const std::string& role,
                                            const std::string& title, std::span<const SlotAssignment> slots);

// Waits for the process to end and reaps it; the status is as waitpid(2) gives it.
[[nodiscard]] int WaitForRole(const RoleProcess& process);

}  // namespace husk
