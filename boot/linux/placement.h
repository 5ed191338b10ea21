// Placement: does this kernel, with this initrd and command line, fit into this RAM, and where does the
// initrd go? The second half of planning, pure; sentences here have their subject ("the kernel ...", "the
// initrd ...").
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "boot/linux/kernel_plan.h"
#include "vmm/base/result.h"
#include "vmm/memory/guest_address.h"
#include "vmm/memory/guest_memory.h"

namespace husk {

struct InitrdPlacement {
    GuestAddress address;
    std::uint64_t size = 0;  // 0: there is none
};

// Every segment has to be in the first region (RAM below 3 GiB): the boot page tables and a 32-bit entry
// reach no further.
[[nodiscard]] Result<> CheckKernelFits(const KernelPlan& plan, std::span<const MemoryRegion> regions);

// The highest page-aligned place below the kernel's limit and the end of low RAM, above all of the kernel. To
// be called for a plan that fits. No initrd (`size` 0) is no error.
[[nodiscard]] Result<InitrdPlacement> PlaceInitrd(const KernelPlan& plan, std::uint64_t size,
                                                  std::span<const MemoryRegion> regions);

// A line too long is refused, never cut; so is one with a zero byte, which would cut it.
[[nodiscard]] Result<> CheckCommandLine(const KernelPlan& plan, std::string_view cmdline);

}  // namespace husk
