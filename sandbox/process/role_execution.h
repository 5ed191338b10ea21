// What the child of SpawnRole does between its birth and its exec.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "sandbox/process/spawn.h"

namespace husk {

// All that the child needs, prepared before it exists, and what it leaves behind.
struct RoleExecution {
    const char* program;
    std::array<char*, 2> argv;
    std::vector<char*> envp;
    std::span<const SlotAssignment> slots;
    std::vector<int> parked;  // as many as slots
    int null_fd;
    bool keep_stderr;
    RoleLimits limits;
    bool drop_bounding_set;

    // Where it failed, if it did.
    int error = 0;
    const char* failed_step = nullptr;
};

// Runs in the child, in the launcher's memory: no allocation, nothing changed but the execution's last three members.
// Returns (the exit status) only if a step failed. Takes a RoleExecution*.
[[nodiscard]] int ExecuteRole(void* execution);

}  // namespace husk
