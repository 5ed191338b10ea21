// One life of the guest: from a started family of roles to the end of the last of them. What the roles say and how they
// end is judged here; it reads nothing a guest wrote. The launcher's only thread.
#pragma once

#include <functional>
#include <string>

#include "vmm/machine/console_clients.h"
#include "vmm/machine/exit_status.h"
#include "vmm/machine/family.h"
#include "vmm/machine/host_resources.h"
#include "vmm/machine/signals.h"

namespace husk {

// Blocks until no role is left. `explain_stall` says what a guest that stalls may be waiting for.
[[nodiscard]] Ending RunLife(Family& family, HostResources& resources, const Signals& signals, ConsoleClients& clients,
                             const std::function<std::string()>& explain_stall);

}  // namespace husk
