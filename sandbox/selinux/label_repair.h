// Puts back the labels of disks whose launcher was killed before it could.
#pragma once

#include <string>
#include <vector>

#include "sandbox/selinux/label_journal.h"
#include "sandbox/selinux/selinux_host.h"
#include "vmm/base/result.h"

namespace husk {

// Sets `entry`'s old label on `fd` if the new one is still there. Whether it was set; another label is somebody else's
// by now and stays.
[[nodiscard]] Result<bool> PutLabelBack(int fd, const LabelEntry& entry, SelinuxHost& host);

// For every journal in `folder` that no living launcher holds: puts back each label that is still the one set, on the
// file at that path if it is still the same inode, and removes the journal. A journal whose label could not be set for
// another reason stays for the next time. Starts at the same time wait for each other. Sentences for the log about what
// was done and what was not.
[[nodiscard]] Result<std::vector<std::string>> RepairLabels(const std::string& folder, SelinuxHost& host);

}  // namespace husk
