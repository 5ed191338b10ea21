// Family: the processes of one running VM, as their launcher holds them.
#pragma once

#include <optional>
#include <vector>

#include "vmm/base/shared_memory.h"
#include "vmm/machine/config.h"
#include "vmm/machine/host_resources.h"
#include "vmm/machine/role_starter.h"
#include "vmm/roles/stats_pages.h"

namespace husk {

struct Family {
    std::vector<RoleHandle> roles;  // the vmm, the console, then the disks and the nets in their order
    // The statistics of those that are ready.
    std::optional<SharedPages<VmmStats>> vmm_stats;
    std::optional<SharedPages<ConsoleStats>> console_stats;
    std::vector<std::optional<SharedPages<BlkStats>>> disk_stats;
    std::vector<std::optional<SharedPages<NetStats>>> net_stats;
    // Layers that were wanted and that this host lacks, as far as the start of the roles told.
    std::vector<AbsentLayer> absent;

    static constexpr std::size_t kVmm = 0;
    static constexpr std::size_t kConsole = 1;
    static constexpr std::size_t kFirstDisk = 2;

    // Workers come in the order of the devices.
    [[nodiscard]] static constexpr std::size_t WorkerOf(std::size_t device) { return kConsole + device; }
    [[nodiscard]] std::size_t FirstNet() const { return kFirstDisk + disk_stats.size(); }
    [[nodiscard]] std::uint32_t Devices() const {
        return static_cast<std::uint32_t>(1 + disk_stats.size() + net_stats.size());
    }
    // "hvc0", "blk0", "net0"; `device` may be anything.
    [[nodiscard]] std::string DeviceName(std::uint32_t device) const;

    [[nodiscard]] RoleHandle& Vmm() { return roles[kVmm]; }
    [[nodiscard]] RoleHandle& Console() { return roles[kConsole]; }

    // Of each disk, in their order: whether its worker may have left something under way.
    [[nodiscard]] std::vector<bool> DisksLeftInUse() const;

    // Looks how large the disks' files are now, and tells the workers of those that changed. Says what it did.
    void ResizeDisks(HostResources& resources);

    // Plans the boot, starts the roles and tells them what they need. They then report Ready. `again`: the guest has
    // rebooted.
    [[nodiscard]] static Result<Family> Start(const MachineConfig& config, HostResources& resources,
                                              std::uint64_t process_start, bool again);
};

}  // namespace husk
