// A sealed thread must not touch the heap: allocators map and unmap memory, and hardened ones do it all the time. The
// build with HUSK_TRAP_ALLOCATIONS (preset debug) kills the process at the first attempt, over the whole test run.
#pragma once

namespace husk {

// From now on the calling thread allocates and frees nothing. Does nothing in other builds.
void ForbidAllocation();

}  // namespace husk
