// The memory map given to the guest: which physical addresses are RAM. Both ways of booting carry the same
// one, each in its own wire format; the numbers of the types are those of ACPI ("Address Range Types", 15.x).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "vmm/memory/guest_address.h"
#include "vmm/memory/guest_memory.h"

namespace husk {

enum class MemoryType : std::uint32_t { kRam = 1, kReserved = 2 };

struct MemoryMapEntry {
    GuestAddress start;
    std::uint64_t size = 0;
    MemoryType type = MemoryType::kRam;
    friend bool operator==(const MemoryMapEntry&, const MemoryMapEntry&) = default;
};

// RAM as `regions` has it (GuestMemory::Regions(): the first begins at 0 and ends above 1 MiB), with
// [kFirmwareStart, 1 MiB) reserved: the ACPI tables and the reset stub live there. Ascending; at most 4
// entries.
[[nodiscard]] std::vector<MemoryMapEntry> MakeMemoryMap(std::span<const MemoryRegion> regions);

}  // namespace husk
