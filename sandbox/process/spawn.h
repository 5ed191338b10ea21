// Starting a confined role: a new process with exactly the descriptors it is given, on the slots it expects them, in
// namespaces of its own, with hard limits, and without a capability to gain.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "sandbox/process/layers.h"
#include "sandbox/process/namespaces.h"
#include "vmm/base/result.h"
#include "vmm/base/scoped_fd.h"

namespace husk {

// `fd` of this process becomes descriptor `slot` of the role. Slots start at 3; 0, 1 and 2 are /dev/null.
struct SlotAssignment {
    int fd;
    int slot;
};

inline constexpr std::uint64_t kUnlimited = ~std::uint64_t{0};

// Hard limits, set before the exec, as SELinux lets no confined domain change them later. Core dumps: always none.
// A launcher whose own hard limits are lower passes those on.
struct RoleLimits {
    std::uint64_t open_files = 256;        // room for the slots and for the dynamic loader
    std::uint64_t file_size = kUnlimited;  // bytes: the end of any file, memfds included, that it may size or write
};

struct SpawnOptions {
    LayerSet namespaces{};  // to create; layers that are no namespaces are ignored
    LayerSet required{};    // of these, a missing one is an error
    RoleLimits limits{};
    bool drop_bounding_set = true;  // where the kernel lets this user
};

struct RoleProcess {
    pid_t pid = -1;
    ScopedFd pidfd;                   // readable once the process has ended
    LayerSet namespaces;              // those it got
    std::vector<AbsentLayer> absent;  // those that the host refused: not to be wanted for the next role again
};

// The variable that tells a re-executed husk which role it is.
inline constexpr const char* kRoleVariable = "HUSK_ROLE";

// Runs `program` (an absolute path: links in /proc count as nosuid in a fresh mount namespace, and SELinux would then
// make no transition) with `title` as its only argument and an environment of kRoleVariable=`role` alone.
//
// All namespaces are tried at once; only where the kernel refuses is each one probed by itself, to learn which the host
// lacks. The role then starts without those. If it has each, but not all together, that is an error.
//
// Neither no_new_privs nor an SELinux attribute is touched: what setexeccon_raw set in this thread holds for the exec.
// Signals are at their defaults and all blocked until BeginRole: Ctrl-C at a starting family is the launcher's affair.
// The launcher's main thread only: roles die with the thread that started them. It has no other threads.
[[nodiscard]] Result<RoleProcess> SpawnRole(const std::string& program, const std::string& role,
                                            const std::string& title, std::span<const SlotAssignment> slots,
                                            const SpawnOptions& options = {});

// Waits for the process to end and reaps it; the status is as waitpid(2) gives it.
[[nodiscard]] int WaitForRole(const RoleProcess& process);

}  // namespace husk
