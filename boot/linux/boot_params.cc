#include "boot/linux/boot_params.h"

#include <algorithm>
#include <cstring>

namespace husk {
namespace {

constexpr std::uint8_t kLoaderUnassigned = 0xff;
constexpr std::uint16_t kVideoModeNormal = 0xffff;

std::uint32_t Low32(std::uint64_t value) { return static_cast<std::uint32_t>(value); }

}  // namespace

::boot_params MakeBootParams(const BootParamsInput& input) {
    ::boot_params params{};
    const auto& header = input.kernel.setup_header;
    constexpr std::size_t kHeaderRoom = offsetof(::boot_params, edd_mbr_sig_buffer) - offsetof(::boot_params, hdr);
    std::memcpy(reinterpret_cast<std::byte*>(&params) + offsetof(::boot_params, hdr), header.data(),
                std::min(header.size(), kHeaderRoom));

    params.hdr.type_of_loader = kLoaderUnassigned;
    params.hdr.vid_mode = kVideoModeNormal;
    params.hdr.code32_start = Low32(input.kernel.segments.front().address.Value());
    params.hdr.ramdisk_image = Low32(input.initrd.address.Value());
    params.hdr.ramdisk_size = Low32(input.initrd.size);
    params.hdr.cmd_line_ptr = Low32(input.cmdline.Value());
    params.hdr.setup_data = input.setup_data.Value();
    params.acpi_rsdp_addr = input.rsdp.Value();

    const std::size_t entries = std::min<std::size_t>(input.memory_map.size(), E820_MAX_ENTRIES_ZEROPAGE);
    params.e820_entries = static_cast<std::uint8_t>(entries);
    for (std::size_t i = 0; i < entries; ++i) {
        const MemoryMapEntry& entry = input.memory_map[i];
        params.e820_table[i] = {
            .addr = entry.start.Value(), .size = entry.size, .type = static_cast<std::uint32_t>(entry.type)};
    }
    return params;
}

}  // namespace husk
