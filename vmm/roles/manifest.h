// The descriptor manifest: the launcher writes down what it puts on each slot, the role checks that this is what it
// got. A security module may replace an inherited descriptor silently by a null device; then writes would "succeed"
// into nothing, and the role must not start.
#pragma once

#include <span>

#include "sandbox/process/spawn.h"
#include "vmm/base/result.h"
#include "vmm/roles/messages.h"

namespace husk {

[[nodiscard]] Result<Manifest> DescribeSlots(std::span<const SlotAssignment> slots);

// In the role, first thing. The error names the slot.
[[nodiscard]] Result<> CheckManifest(const Manifest& manifest);

}  // namespace husk
