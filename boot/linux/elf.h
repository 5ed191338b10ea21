// ELF: a vmlinux, by its program headers (System V ABI, chapter 5; AMD64 supplement), entered by PVH.
#pragma once

#include <cstddef>
#include <span>

#include "boot/linux/kernel_plan.h"
#include "vmm/base/result.h"

namespace husk {

// True for a file that begins with ELF's magic number, whatever it is for.
[[nodiscard]] bool IsElf(std::span<const std::byte> file);

// For a file that IsElf(). The plan: each PT_LOAD at its physical address, the entry from the PVH note.
[[nodiscard]] Result<KernelPlan> ParseElf(std::span<const std::byte> file);

}  // namespace husk
