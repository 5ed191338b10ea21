// boot_params, the "zero page" of the 64-bit boot protocol (Linux Documentation/arch/x86/zero-page.rst), and
// the seed that hangs off it in setup_data. The wire layout is the kernel's own UAPI header.
#pragma once

#include <asm/bootparam.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "boot/linux/kernel_plan.h"
#include "boot/linux/memory_map.h"
#include "boot/linux/placement.h"
#include "vmm/memory/guest_address.h"

namespace husk {

static_assert(sizeof(::setup_header) == 123 && offsetof(::setup_header, init_size) == 0x260 - 0x1f1);
static_assert(sizeof(::boot_params) == 4096 && offsetof(::boot_params, acpi_rsdp_addr) == 0x70 &&
              offsetof(::boot_params, e820_entries) == 0x1e8 && offsetof(::boot_params, hdr) == 0x1f1 &&
              offsetof(::boot_params, edd_mbr_sig_buffer) == 0x290 && offsetof(::boot_params, e820_table) == 0x2d0);

struct BootParamsInput {
    const KernelPlan& kernel;  // of format kBzImage
    InitrdPlacement initrd;
    std::span<const MemoryMapEntry> memory_map;
    GuestAddress rsdp;
    GuestAddress cmdline;
    GuestAddress setup_data;
};

// Zeros, the kernel's setup header, and in it and around it what a loader has to fill in. All addresses of
// `input` but `rsdp` and `setup_data` are below 4 GiB.
[[nodiscard]] ::boot_params MakeBootParams(const BootParamsInput& input);

// A list of one setup_data node: 32 random bytes, from which Linux seeds its generator (and which it then
// zeroes).
struct RngSeedNode {
    std::uint64_t next = 0;
    std::uint32_t type = 9;  // SETUP_RNG_SEED
    std::uint32_t len = 32;
    std::array<std::byte, 32> seed{};
};
static_assert(sizeof(RngSeedNode) == 48 && offsetof(RngSeedNode, len) == 12 && offsetof(RngSeedNode, seed) == 16);

}  // namespace husk
