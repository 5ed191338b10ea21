#include "boot/linux/memory_map.h"

#include "vmm/memory/address_map.h"

namespace husk {

std::vector<MemoryMapEntry> MakeMemoryMap(std::span<const MemoryRegion> regions) {
    using address_map::kFirmwareStart;
    using address_map::kHighMemory;
    std::vector<MemoryMapEntry> map = {
        {GuestAddress(0), kFirmwareStart.Value(), MemoryType::kRam},
        {kFirmwareStart, kHighMemory.Value() - kFirmwareStart.Value(), MemoryType::kReserved},
        {kHighMemory, regions.front().host.size() - kHighMemory.Value(), MemoryType::kRam},
    };
    for (const MemoryRegion& region : regions.subspan(1)) {
        map.push_back({region.start, region.host.size(), MemoryType::kRam});
    }
    return map;
}

}  // namespace husk
