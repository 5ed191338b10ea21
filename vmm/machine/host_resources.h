// HostResources: what the launcher opens once for all lives of the guest, labelled for this VM alone.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "devices/host/console_endpoint.h"
#include "devices/host/disk_file.h"
#include "sandbox/selinux/selinux.h"
#include "vmm/base/result.h"
#include "vmm/machine/config.h"
#include "vmm/machine/host_net.h"

namespace husk {

struct HostResources {
    std::unique_ptr<SelinuxHost> selinux_host;
    ConsoleEndpoint console;
    std::vector<DiskFile> disks;      // as in MachineConfig::disks
    std::vector<ScopedFd> scratches;  // of those: where writes to an ephemeral one go
    std::vector<HostNet> nets;        // as in MachineConfig::networks
    // Destroying it puts the disks' labels back: all roles have ended by then, and the disks are still locked.
    std::optional<SelinuxConfinement> selinux;

    // Chooses the SELinux domain, opens, locks and labels.
    [[nodiscard]] static Result<HostResources> Open(const MachineConfig& config);
};

}  // namespace husk
