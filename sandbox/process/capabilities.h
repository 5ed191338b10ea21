// Capabilities, taken away. System calls only: usable between clone and exec. Per thread: before there are others.
#pragma once

namespace husk {

// Empties the bounding set, so that no exec can gain a capability. 0; EPERM when this process may not (an ordinary user
// outside of a user namespace), which leaves no_new_privs to see to it; or another errno.
[[nodiscard]] int DropBoundingSet();

// Empties the inheritable and the ambient set; the effective and permitted ones stay, for the exec that replaces them.
// 0 or an errno.
[[nodiscard]] int DropInheritedCapabilities();

// Empties the effective, permitted, inheritable and ambient sets and looks whether they are empty. 0 or an errno.
[[nodiscard]] int DropAllCapabilities();

[[nodiscard]] bool BoundingSetIsEmpty();

}  // namespace husk
