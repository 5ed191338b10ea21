#include "boot/linux/pvh_start_info.h"

#include <algorithm>

#include "vmm/base/bytes.h"

namespace husk {
namespace {

constexpr std::uint64_t kModules = sizeof(PvhStartInfo);
constexpr std::uint64_t kMemoryMap = kModules + sizeof(PvhModule);

}  // namespace

std::vector<std::byte> MakePvhStartInfo(const PvhStartInfoInput& input, GuestAddress at) {
    const bool has_initrd = input.initrd.size != 0;
    const PvhStartInfo info{.nr_modules = has_initrd ? 1U : 0U,
                            .modlist_paddr = has_initrd ? at.Value() + kModules : 0,
                            .cmdline_paddr = input.cmdline.Value(),
                            .rsdp_paddr = input.rsdp.Value(),
                            .memmap_paddr = at.Value() + kMemoryMap,
                            .memmap_entries = static_cast<std::uint32_t>(input.memory_map.size())};
    const PvhModule module{.paddr = input.initrd.address.Value(), .size = input.initrd.size};

    std::vector<std::byte> bytes;
    const auto append = [&bytes](const auto& value) {
        const auto source = BytesOf(value);
        bytes.insert(bytes.end(), source.begin(), source.end());
    };
    append(info);
    append(module);
    for (const MemoryMapEntry& entry : input.memory_map) {
        append(PvhMemoryMapEntry{
            .addr = entry.start.Value(), .size = entry.size, .type = static_cast<std::uint32_t>(entry.type)});
    }
    return bytes;
}

}  // namespace husk
