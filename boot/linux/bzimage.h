// bzImage: the compressed kernel file, by its setup header (Linux Documentation/arch/x86/boot.rst, "The
// Real-Mode Kernel Header"). Only what the 64-bit boot protocol needs: the real-mode code in front is never
// run.
#pragma once

#include <cstddef>
#include <span>

#include "boot/linux/kernel_plan.h"
#include "vmm/base/result.h"

namespace husk {

// True for a file that carries both magic numbers of a Linux boot sector.
[[nodiscard]] bool IsBzImage(std::span<const std::byte> file);

// For a file that IsBzImage(). The plan: one segment, the protected-mode code, at the address the kernel
// prefers, its memory_length covering init_size. A relocatable kernel is not moved lower when RAM is short:
// it would move itself back up to where it runs.
[[nodiscard]] Result<KernelPlan> ParseBzImage(std::span<const std::byte> file);

}  // namespace husk
