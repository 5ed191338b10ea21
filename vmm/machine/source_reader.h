// ReadSource: has a reader (vmm/roles/reader_role.h) say what a boot source holds. What it says is checked here:
// numbers and lengths, not the sense of the texts.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "vmm/machine/role_starter.h"
#include "vmm/machine/source_report.h"

namespace husk {

// What a reader is given beside its configuration.
struct ReaderInput {
    int source = -1;                        // open for reading
    int initrd = -1;                        // with SourceForm::kFiles, when there is one
    std::vector<AttachedVolume> volumes{};  // of other disks, for a check; at most kMaxVolumes
};
inline constexpr std::size_t kMaxVolumes = 64;

// Waits for the reader's end, at most a minute. Errors: kBootSource with the
// reader's sentence; one that has died or broken the rules of its messages is kHost.
[[nodiscard]] Result<SourceReport> ReadSource(RoleStarter& starter, std::optional<SelinuxConfinement>& selinux,
                                              const ReaderInput& input, ReaderConfig config);

}  // namespace husk
