// The model-specific registers a guest may touch: those on a list. Every other one is #GP to the guest before any code
// of KVM looks at it: no performance counters, no nested virtualisation, no tracing, no other hypervisor's interface.
//
// Intel SDM vol. 4; AMD APM vol. 2, appendix A; "MSR filtering" in the kernel's KVM API. The registers of the x2APIC
// are never filtered.
#pragma once

#include <cstdint>
#include <span>

#include "vmm/base/result.h"

namespace husk {

class Kvm;
class Vm;

struct MsrRange {
    std::uint32_t first;
    std::uint32_t last;  // inclusive
    const char* use;
};

// Ascending, disjoint.
[[nodiscard]] std::span<const MsrRange> AllowedMsrs();

// Whether this host's KVM can filter (KVM_CAP_X86_MSR_FILTER).
[[nodiscard]] bool CanFilterMsrs(const Kvm& kvm);

// Before the first vCPU runs.
[[nodiscard]] Result<> InstallMsrFilter(const Vm& vm);

}  // namespace husk
