// Findings: what about an entry will not work in this machine, each in one line for the person who is to mend it.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "boot/nixos/initrd/initrd_facts.h"
#include "boot/nixos/initrd/kernel_facts.h"
#include "boot/nixos/menus/boot_menu.h"
#include "boot/nixos/volumes/volume_labels.h"

namespace husk {

enum class Severity { kWillNotBoot, kMaySurprise };

// "will not boot", "may surprise".
[[nodiscard]] std::string_view SeverityText(Severity severity);

struct Finding {
    Severity severity = Severity::kMaySurprise;
    std::string sentence;  // one line without a full stop at its end: what is wrong, then how to mend it
    friend bool operator==(const Finding&, const Finding&) = default;
};

// Everything there is to say, the worst first; nothing when husk knows of nothing. Pure. `initrd` and `kernel` are
// those of `entry`; default ones, for what could not be read, lead to no findings about it. `volumes`: of all attached
// disks.
[[nodiscard]] std::vector<Finding> Check(const BootEntry& entry, const InitrdFacts& initrd, const KernelFacts& kernel,
                                         std::span<const VolumeIdentity> volumes);

}  // namespace husk
