// What a start under SELinux will use, decided and found good: the part that Prepare and doctor share. Changes nothing.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "sandbox/selinux/category_pair.h"
#include "sandbox/selinux/domain_choice.h"
#include "sandbox/selinux/selinux.h"

namespace husk {

struct SelinuxPlan {
    std::string launcher;  // context
    bool enforcing = true;
    DomainChoice domain;
    ImageContexts images;
    std::vector<std::string> warnings;
};

// How the VM comes by its pair, out of the categories the launcher may give.
using PairSource = std::function<Result<CategoryPair>(const CategorySet&)>;

// Where SELinux is active. Kind kConfinement or kUsage.
[[nodiscard]] Result<SelinuxPlan> PlanSelinux(const SelinuxRequest& request, const std::string& program,
                                              const SelinuxHost& host, const PairSource& pair_source);

}  // namespace husk
