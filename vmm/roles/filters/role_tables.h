// The seccomp tables with husk's own numbers in them: descriptor slots and ioctl requests.
#pragma once

#include <cstdint>
#include <vector>

#include "sandbox/seccomp/tables.h"

namespace husk::role_tables {

// `vcpu` below kMaxVcpus.
[[nodiscard]] ThreadTable Vcpu(std::uint32_t vcpu);
[[nodiscard]] ThreadTable Control();
[[nodiscard]] ThreadTable BlkLoop();
[[nodiscard]] ThreadTable BlkRingLoop();
[[nodiscard]] ThreadTable BlkPool();
[[nodiscard]] ThreadTable Console();
[[nodiscard]] ThreadTable Net();
[[nodiscard]] ThreadTable Reader();

// One of each kind of thread, the launcher's last; for people.
[[nodiscard]] std::vector<ThreadTable> All();

}  // namespace husk::role_tables
