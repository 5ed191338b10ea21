// Does this KVM run guest kernels on the processor, or does it emulate them? A software KVM takes about a microsecond
// for each kernel instruction, and a stock kernel would need hours to boot; better to say so than to look dead.
#pragma once

#include <cstdint>

#include "vmm/base/result.h"

namespace husk {

class Kvm;

struct GuestSpeed {
    std::uint64_t nanoseconds_per_instruction;
    [[nodiscard]] bool Emulated() const { return nanoseconds_per_instruction >= 100; }
};

// Runs a loop of some ten thousand instructions in ring 0 of a tiny VM; takes 10 to 30 ms where it is emulated.
[[nodiscard]] Result<GuestSpeed> ProbeGuestSpeed(const Kvm& kvm);

}  // namespace husk
