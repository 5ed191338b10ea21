// The start-of-day structures of a PVH entry (Xen public/arch-x86/hvm/start_info.h, version 1), with pinned
// layouts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "boot/linux/memory_map.h"
#include "boot/linux/placement.h"
#include "vmm/memory/guest_address.h"

namespace husk {

struct PvhStartInfo {
    std::uint32_t magic = 0x336e'c578;
    std::uint32_t version = 1;
    std::uint32_t flags = 0;
    std::uint32_t nr_modules = 0;
    std::uint64_t modlist_paddr = 0;
    std::uint64_t cmdline_paddr = 0;
    std::uint64_t rsdp_paddr = 0;
    std::uint64_t memmap_paddr = 0;
    std::uint32_t memmap_entries = 0;
    std::uint32_t reserved = 0;
};
static_assert(sizeof(PvhStartInfo) == 56 && offsetof(PvhStartInfo, modlist_paddr) == 16 &&
              offsetof(PvhStartInfo, rsdp_paddr) == 32 && offsetof(PvhStartInfo, memmap_entries) == 48);

// Linux takes the first module as its initrd.
struct PvhModule {
    std::uint64_t paddr = 0;
    std::uint64_t size = 0;
    std::uint64_t cmdline_paddr = 0;
    std::uint64_t reserved = 0;
};
static_assert(sizeof(PvhModule) == 32);

struct PvhMemoryMapEntry {
    std::uint64_t addr = 0;
    std::uint64_t size = 0;
    std::uint32_t type = 0;
    std::uint32_t reserved = 0;
};
static_assert(sizeof(PvhMemoryMapEntry) == 24 && offsetof(PvhMemoryMapEntry, type) == 16);

struct PvhStartInfoInput {
    InitrdPlacement initrd;
    std::span<const MemoryMapEntry> memory_map;
    GuestAddress rsdp;
    GuestAddress cmdline;
};

// The bytes to put at `at`: the start info, then the module list, then the memory map, pointing at one
// another.
[[nodiscard]] std::vector<std::byte> MakePvhStartInfo(const PvhStartInfoInput& input, GuestAddress at);

}  // namespace husk
