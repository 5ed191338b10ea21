// What every confined role does first, before it reads a single message.
#pragma once

#include "vmm/base/result.h"
#include "vmm/base/scoped_fd.h"

namespace husk {

// When the launcher dies, the kernel sends the role this signal. The vmm takes SIGKILL; the console takes one it can
// catch, since it has a terminal to restore. Given the channel to the launcher, a launcher that died too early for the
// signal is noticed as well.
struct ParentDeath {
    int signal;
    int launcher_channel = -1;  // a connected socket whose other end only the launcher holds
};

// Ties the role's life to its launcher's, makes it deaf to the signals that a terminal or a person sends to the whole
// family (the launcher alone acts on those), unblocks all others, and forbids core dumps.
// `name` becomes the name of the main thread.
//
// In a pid namespace of its own the role is its init: a signal from the outside that it does not handle reaches it only
// if it is SIGKILL, and none that it sends itself does. So a role ends itself by exit_group, and a seccomp violation
// ends it as the kernel forces SIGSYS.
[[nodiscard]] Result<> BeginRole(ParentDeath death, const char* name);

// Puts /dev/null (descriptor 0) on every free slot below `end`: left free, a slot would go to whatever the role opens
// next.
[[nodiscard]] Result<> FillFreeSlots(int end);

}  // namespace husk
