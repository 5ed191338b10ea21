// What the person wants of the confinement of one VM, and what this host makes of it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sandbox/process/host_layers.h"
#include "sandbox/process/layers.h"
#include "sandbox/selinux/selinux.h"
#include "vmm/base/result.h"

namespace husk {

class Kvm;

struct ConfinementConfig {
    LayerSet required;  // refuse to run without these, even where the host lacks them
    LayerSet without;   // do without these, even where the host has them
    SelinuxRequest selinux;
};

// Contradictions, and what cannot be waived; folds --require and --without selinux into `selinux.mode`. Kind kUsage.
[[nodiscard]] Result<> SettleConfinement(ConfinementConfig& config);

// The layers that this launcher asks KVM about, from an open device.
[[nodiscard]] LayerState InspectMsrFilter(const Kvm& kvm);

// A required layer that the host lacks: the refusal. Kind kConfinement.
[[nodiscard]] Error RefuseWithout(const LayerState& absent);

}  // namespace husk
