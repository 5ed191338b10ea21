#include "vmm/machine/confinement.h"

#include "vmm/kvm/kvm.h"
#include "vmm/kvm/msr_filter.h"

namespace husk {

Result<> SettleConfinement(ConfinementConfig& config) {
    using Mode = SelinuxRequest::Mode;
    for (const Layer layer : kAllLayers) {
        if (!config.required.Has(layer) || !config.without.Has(layer)) continue;
        const std::string name(LayerName(layer));
        return Fail(ErrorKind::kUsage, "--require " + name + " and --without " + name + " contradict each other");
    }
    SelinuxRequest& selinux = config.selinux;
    if (selinux.type && selinux.label) {
        return Fail(ErrorKind::kUsage, "--selinux-type and --selinux-label exclude each other");
    }
    const bool wanted = selinux.mode == Mode::kRequired || selinux.type || selinux.label;
    if (config.without.Has(Layer::kSELinux) && wanted) {
        return Fail(ErrorKind::kUsage, "--without selinux contradicts the other options about SELinux");
    }
    if (config.required.Has(Layer::kSELinux) && selinux.mode == Mode::kOff) {
        return Fail(ErrorKind::kUsage, "--require selinux and --selinux off contradict each other");
    }
    if (selinux.mode == Mode::kOff && (selinux.type || selinux.label)) {
        return Fail(ErrorKind::kUsage, "--selinux off contradicts the other options about SELinux");
    }
    if (config.required.Has(Layer::kSELinux)) selinux.mode = Mode::kRequired;
    if (config.without.Has(Layer::kSELinux)) selinux.mode = Mode::kOff;
    return {};
}

LayerState InspectMsrFilter(const Kvm& kvm) {
    if (CanFilterMsrs(kvm)) return {Layer::kMsrFilter, true, "the guest reaches listed registers only", ""};
    return {Layer::kMsrFilter, false, "this host's KVM has no KVM_CAP_X86_MSR_FILTER", "use Linux 5.10 or newer"};
}

Error RefuseWithout(const LayerState& absent) {
    return {ErrorKind::kConfinement, "the confinement layer " + std::string(LayerName(absent.layer)) +
                                         " is required, but " + absent.detail + "; to get it: " + absent.how_to_get};
}

}  // namespace husk
