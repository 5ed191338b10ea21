// RoleHeap: the heap of a role that goes on allocating after it was sealed. One region is reserved at the start; from
// then on operator new and delete, and the C libraries that take callbacks, live in it without a system call, whatever
// allocator the host preloads. One thread only.
//
// Blocks have sizes of powers of two and go back to lists by size; nothing returns to the kernel. What is too much ends
// the role, so nobody has to expect std::bad_alloc there.
//
// A program that links this file has its operator new replaced: it is malloc's until ReserveRoleHeap is called.
// In builds with sanitizers all of it is malloc's for good.
#pragma once

#include <cstddef>

#include "vmm/base/result.h"

namespace husk {

// Once, before the first object that is freed after sealing. `exhausted` is called when `bytes` do not suffice, and
// must not return or allocate.
[[nodiscard]] Result<> ReserveRoleHeap(std::size_t bytes, void (*exhausted)());

// For the callbacks of C libraries.
[[nodiscard]] void* RoleHeapAllocate(std::size_t bytes);
void RoleHeapFree(void* block);

}  // namespace husk
