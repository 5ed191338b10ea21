// A child that runs one function in this process's memory while this thread waits: what vfork(2) does, with flags of
// clone(2) beside it, and on a stack of its own.
#pragma once

#include <sys/types.h>

namespace husk {

// Runs `body(argument)` in a child with its own descriptors, signal handlers and namespaces (`namespace_flags`:
// CLONE_NEW*), but with this process's memory; returns when the child has executed a program or ended. What `body`
// returns is the child's exit status. `body` may not allocate, take a lock, or leave anything in memory that its caller
// does not expect. -1 with errno when there is no child; else its pid, which the caller must reap.
// One thread of a process at a time. Signals are blocked around it, and in the child.
[[nodiscard]] pid_t RunVforkChild(int (*body)(void*), void* argument, int namespace_flags);

}  // namespace husk
