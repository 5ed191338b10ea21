// PlanBoot: from what the person wants booted to open files and a command line. The launcher's main thread, before each
// boot: a disk may have other generations by then.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "boot/linux/boot_file.h"
#include "vmm/base/scoped_fd.h"
#include "vmm/machine/host_resources.h"
#include "vmm/machine/role_starter.h"
#include "vmm/roles/reader_messages.h"

namespace husk {

struct PlannedBoot {
    ScopedFd kernel;
    ScopedFd initrd;  // of all initrds; none without any
    // The kernel's pieces, then those of each initrd.
    std::vector<std::vector<FilePiece>> files;
    std::string command_line;
    std::string description;  // "generation 12 of disk root.raw"; empty for a kernel by name
};

// `again`: the guest has rebooted. Errors: kBootSource with what cannot be used and why.
[[nodiscard]] Result<PlannedBoot> PlanBoot(const MachineConfig& config, HostResources& resources, RoleStarter& starter,
                                           bool again);

// What of an image that PlanBoot plans to boot from will not work.
[[nodiscard]] Result<std::vector<CheckFinding>> CheckPlannedImage(const MachineConfig& config, HostResources& resources,
                                                                  RoleStarter& starter, bool again);

// "the kernel x", "disk x", for sentences about a boot source that cannot be used.
[[nodiscard]] std::string NameOfSource(const MachineConfig& config);

}  // namespace husk
