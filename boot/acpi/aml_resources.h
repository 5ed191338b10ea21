// Resource descriptors (ACPI 6.4 §6.4) and the buffer that _CRS returns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <vector>

#include "boot/acpi/aml.h"
#include "vmm/memory/guest_address.h"

namespace husk::aml {

struct Descriptor {
    std::vector<std::byte> bytes;
};

// §6.4.3.4: `size` bytes of registers at `base`, readable and writable. Both fit 32 bits.
[[nodiscard]] Descriptor Memory32Fixed(GuestAddress base, std::uint64_t size);
// §6.4.2.5: `count` ports from `first`, decoded with 16 bits, at no other place.
[[nodiscard]] Descriptor Io(std::uint16_t first, std::uint8_t count);
// §6.4.3.6: one global system interrupt that the device consumes: edge-triggered, active high, exclusive.
[[nodiscard]] Descriptor Interrupt(std::uint32_t gsi);

// A buffer of the descriptors and the end tag.
[[nodiscard]] Code ResourceTemplate(std::initializer_list<Descriptor> descriptors);

}  // namespace husk::aml
