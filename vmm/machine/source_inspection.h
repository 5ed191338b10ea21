// Looking at boot sources without a VM: what there is to boot, and what of it will not work. Readers look; nothing is
// locked or labelled, so a running VM's disk can be looked at. The readers of List and Check stay in the caller's
// SELinux domain.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "vmm/machine/nixos_folder.h"
#include "vmm/machine/source_reader.h"

namespace husk {

// `path`: a folder, an image, a block device, or whatever a person types.
[[nodiscard]] Result<SourceReport> ListSource(const std::string& path);

struct CheckRequest {
    std::string source;
    std::string entry;  // empty: the default
    std::string specialisation;
    std::vector<std::string> disks;  // that will be attached beside it
};
struct CheckReport {
    std::string entry;  // what was checked: "generation 12", "\"system\""
    std::vector<CheckFinding> findings;
    std::vector<std::string> notes;  // about the menu: what was left out of it, which default it names in vain
};
// Errors: kBootSource when there is nothing to check, with the sentence that a run would say.
[[nodiscard]] Result<CheckReport> CheckSource(const CheckRequest& request);

// For whoever has a VM's files open.
struct HostFiles {
    const HostFile& kernel;
    const HostFile& initrd;  // without a descriptor: none
    std::string_view command_line;
    bool has_secrets = false;
};
[[nodiscard]] Result<std::vector<CheckFinding>> CheckHostFiles(RoleStarter& starter,
                                                               std::optional<SelinuxConfinement>& selinux,
                                                               const HostFiles& files,
                                                               std::vector<AttachedVolume> volumes);
// The file systems of an image.
[[nodiscard]] Result<std::vector<AttachedVolume>> ListVolumes(RoleStarter& starter,
                                                              std::optional<SelinuxConfinement>& selinux, int image,
                                                              std::uint64_t bytes);

// "generation 12, specialisation slim", or the entry's name.
[[nodiscard]] std::string DescribeEntry(const MenuEntry& entry);

}  // namespace husk
