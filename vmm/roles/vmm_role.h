// The vmm role: holds the KVM VM, the vCPUs and guest RAM, answers register accesses, and nothing else. No file and no
// network once the guest runs.
#pragma once

namespace husk {

// The main of a process started as this role; never returns.
[[noreturn]] void RunVmmRole();

}  // namespace husk
