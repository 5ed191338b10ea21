#include "vmm/machine/stall.h"

#include <utility>

#include "vmm/machine/boot_source.h"
#include "vmm/machine/source_inspection.h"

namespace husk {
namespace {

// What keeps the guest from booting, of what its kernel and initrd say about themselves.
Result<std::string> FindCause(const MachineConfig& config, HostResources& resources, bool again) {
    RoleStarter starter = HUSK_TRY(RoleStarter::Create(config.name, config.confinement, resources.selinux));
    std::vector<CheckFinding> findings;
    if (config.source.kind == BootSourceConfig::Kind::kDisk || config.source.kind == BootSourceConfig::Kind::kIso) {
        findings = HUSK_TRY(CheckPlannedImage(config, resources, starter, again));
    } else {
        PlannedBoot plan = HUSK_TRY(PlanBoot(config, resources, starter, again));
        std::vector<AttachedVolume> volumes;
        for (const DiskFile& disk : resources.disks) {
            const ScopedFd image = HUSK_TRY(disk.OpenReadOnly());
            for (const AttachedVolume& volume :
                 HUSK_TRY(ListVolumes(starter, resources.selinux, image.Get(), disk.Bytes()))) {
                volumes.push_back(volume);
            }
        }
        const HostFile kernel{std::move(plan.kernel), plan.files.front().front().length};
        HostFile initrd;
        if (plan.files.size() > 1) initrd = {std::move(plan.initrd), plan.files.back().front().length};
        findings = HUSK_TRY(
            CheckHostFiles(starter, resources.selinux, {kernel, initrd, plan.command_line}, std::move(volumes)));
    }
    std::string causes;
    for (const CheckFinding& finding : findings) {
        if (finding.will_not_boot) causes.append(causes.empty() ? "" : "; ").append(finding.text.View());
    }
    return causes;
}

}  // namespace

std::string ExplainStall(const MachineConfig& config, HostResources& resources, bool again) {
    const std::string stalled = "the guest has been waiting for a device for 20 seconds";
    const auto cause = FindCause(config, resources, again);
    if (!cause) return stalled + "; why cannot be said: " + cause.error().Message();
    if (!cause->empty()) return stalled + ": " + *cause;
    const bool no_disk = config.disks.empty();
    return stalled +
           (no_disk ? "; it has no disk (--disk FILE)" : "; husk sees nothing wrong with its initrd and its disks");
}

}  // namespace husk
