// The Multiple APIC Description Table (ACPI 6.4 §5.2.12): the processors, one IOAPIC, and NMIs on LINT1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace husk::acpi {

// `cpus` is at least 1. Processor i has UID i and local APIC ID i.
[[nodiscard]] std::vector<std::byte> MakeMadt(std::uint32_t cpus);

}  // namespace husk::acpi
