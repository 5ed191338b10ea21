// Supervisor: runs one VM to its end. Starts the family, forwards stop requests, starts the family anew when the guest
// reboots, puts the terminal back, says how it ended. The launcher's only thread; it reads nothing a guest wrote.
#pragma once

#include <cstdint>

#include "vmm/machine/config.h"
#include "vmm/machine/exit_status.h"

namespace husk {

// Blocks until the VM is over. `process_start` is when husk's main began (CLOCK_MONOTONIC, nanoseconds). An error means
// that it never ran.
[[nodiscard]] Result<Ending> RunMachine(const MachineConfig& config, std::uint64_t process_start);

}  // namespace husk
