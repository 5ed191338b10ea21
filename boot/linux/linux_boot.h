// LoadLinux: puts a Linux kernel into fresh guest RAM, ready for the first instruction of its boot CPU.
//
// Two kinds of kernel file are understood: a bzImage, entered by the 64-bit boot protocol (Linux
// Documentation/arch/x86/boot.rst), and an ELF vmlinux, entered by PVH (Xen docs/misc/pvh.pandoc). The files
// may come from a stranger: their bytes are parsed into a KernelPlan (pure, fuzzed), the plan is checked
// against the RAM (placement.h), and only then is anything copied.
//
// The guest's random number generator is seeded on the bzImage path only (setup_data, SETUP_RNG_SEED; Linux
// zeroes the seed once it has it). PVH has no such path: a vmlinux starts with whatever entropy its CPU and
// devices give.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "boot/linux/boot_file.h"
#include "vmm/base/result.h"
#include "vmm/memory/guest_address.h"
#include "vmm/memory/guest_memory.h"

namespace husk {

struct LinuxBoot {
    BootFile kernel;
    std::vector<BootFile> initrds;  // in memory one after the other, each at a multiple of 4, as cpio archives need it
    std::string_view cmdline;
    GuestAddress rsdp;  // where the ACPI tables begin
    std::array<std::byte, 32> rng_seed{};
};

// The boot CPU's state at its first instruction, besides: interrupts off, other general registers zero,
// segment registers as gdt.h says.
struct EntryState {
    enum class Mode {
        kLong64,       // 64-bit mode, paging on: CR0.PE|PG, CR4.PAE, EFER.LME|LMA; `argument` in rsi
        kProtected32,  // 32-bit protected mode, paging off: CR0.PE, CR4 = 0; `argument` in ebx
    } mode = Mode::kLong64;
    GuestAddress entry;
    GuestAddress argument;
    GuestAddress page_table;  // CR3, kLong64 only
    GuestAddress gdt;
    std::uint16_t gdt_limit = 0;
};

// Start-up only, before any vCPU runs. `memory` must be fresh: what the files do not fill (a kernel's BSS) is
// taken to be zero. Errors are of kind kBootSource and name what is wrong with "the kernel", "the initrd" or
// "the command line", one sentence without a path.
[[nodiscard]] Result<EntryState> LoadLinux(const LinuxBoot& boot, const GuestMemory& memory);

}  // namespace husk
