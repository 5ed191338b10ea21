// Family: the processes of one running VM, as their launcher holds them.
#pragma once

#include <optional>

#include "devices/host/console_endpoint.h"
#include "sandbox/process/spawn.h"
#include "vmm/base/shared_memory.h"
#include "vmm/machine/config.h"
#include "vmm/roles/channel.h"
#include "vmm/roles/stats_pages.h"

namespace husk {

// The launcher's side of one role.
template <typename Stats>
struct RoleHandle {
    Channel channel;
    RoleProcess process;
    std::optional<SharedPages<Stats>> stats;  // once it is ready
    bool ended = false;
};

struct Family {
    RoleHandle<VmmStats> vmm;
    RoleHandle<ConsoleStats> console;

    // Opens the boot source and the devices, starts the roles and tells them what they need. They then report Ready.
    [[nodiscard]] static Result<Family> Start(const MachineConfig& config, const ConsoleEndpoint& endpoint,
                                              std::uint64_t process_start);
};

}  // namespace husk
