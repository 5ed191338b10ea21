#include "sandbox/selinux/selinux_plan.h"

#include <fcntl.h>

#include <utility>

#include "sandbox/selinux/preflight.h"

namespace husk {
namespace {

// The launcher's own clearance where it has one with categories. A launcher at plain s0 may be one whose domain the
// policy lets set any categories (daemons are), or one that it does not: the preflight finds out.
Result<CategorySet> CategoriesToGive(const std::string& launcher) {
    const auto context = SecurityContext::Parse(launcher);
    if (!context) return Fail(ErrorKind::kConfinement, "SELinux: husk's own context " + launcher + " is not valid");
    if (context->range.empty()) {
        return Fail(
            ErrorKind::kConfinement,
            "SELinux: this policy has no categories, so VMs cannot be kept apart; --selinux-label gives a context "
            "to use as it is");
    }
    const auto range = SecurityRange::Parse(context->range);
    const CategorySet own = range ? range->high.categories : CategorySet{};
    return own.count() >= 2 ? own : CategorySet{}.set();
}

Result<DomainChoice> StaticDomain(const std::string& label) {
    auto context = SecurityContext::Parse(label);
    if (!context) return Fail(ErrorKind::kUsage, "--selinux-label: \"" + label + "\" is not an SELinux context");
    return DomainChoice{std::move(*context), "given by --selinux-label"};
}

}  // namespace

Result<SelinuxPlan> PlanSelinux(const SelinuxRequest& request, const std::string& program, const SelinuxHost& host,
                                const PairSource& pair_source) {
    SelinuxPlan plan;
    plan.enforcing = HUSK_TRY(host.Enforcing());
    plan.launcher = HUSK_TRY(host.OwnContext());
    plan.images = HUSK_TRY(ReadImageContexts(host));
    const ScopedFd binary(::open(program.c_str(), O_PATH | O_CLOEXEC));
    if (!binary) return FailOs("cannot open " + program);
    const std::string binary_label = HUSK_TRY_IN(program, host.FileLabel(binary.Get()));
    if (request.label) {
        plan.domain = HUSK_TRY(StaticDomain(*request.label));
    } else {
        const CategoryPair pair = HUSK_TRY(pair_source(HUSK_TRY(CategoriesToGive(plan.launcher))));
        plan.domain = HUSK_TRY(ChooseDomain(
            {.launcher = plan.launcher, .binary = binary_label, .range = "s0:" + pair.ToString(), .type = request.type},
            host));
    }
    plan.warnings = HUSK_TRY(Preflight({.launcher = plan.launcher,
                                        .target = plan.domain.context,
                                        .program = program,
                                        .binary = binary_label,
                                        .nosuid = host.OnNosuidMount(binary.Get()),
                                        .enforcing = plan.enforcing},
                                       host));
    return plan;
}

}  // namespace husk
