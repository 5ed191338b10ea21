#include "boot/nixos/initrd/findings.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "boot/nixos/initrd/finding_rules.h"

namespace husk {

std::string_view SeverityText(Severity severity) {
    return severity == Severity::kWillNotBoot ? "will not boot" : "may surprise";
}

void FindingList::Add(Severity severity, std::string sentence) {
    auto& list = severity == Severity::kWillNotBoot ? verdicts_ : surprises_;
    list.push_back({severity, std::move(sentence)});
}

std::vector<Finding> FindingList::WorstFirst() && {
    std::ranges::move(surprises_, std::back_inserter(verdicts_));
    return std::move(verdicts_);
}

std::vector<Finding> Check(const BootEntry& entry, const InitrdFacts& initrd, const KernelFacts& kernel,
                           std::span<const VolumeIdentity> volumes) {
    const Subject subject{entry, initrd, kernel, volumes};
    FindingList findings;
    CheckEntry(subject, findings);
    CheckInitrd(subject, findings);
    CheckKernel(subject, findings);
    CheckDrivers(subject, findings);
    CheckRoot(subject, findings);
    CheckConsole(subject, findings);
    return std::move(findings).WorstFirst();
}

}  // namespace husk
