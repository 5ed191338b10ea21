// ExplainStall: why a guest may be waiting for its root device, for a person: what its boot source lacks.
#pragma once

#include <string>

#include "vmm/machine/config.h"
#include "vmm/machine/host_resources.h"

namespace husk {

// Reads the boot source once more, by a reader; takes a second or so. `again`: the guest has rebooted before.
[[nodiscard]] std::string ExplainStall(const MachineConfig& config, HostResources& resources, bool again);

}  // namespace husk
