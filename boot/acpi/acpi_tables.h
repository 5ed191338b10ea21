// The ACPI tables of a hardware-reduced machine (ACPI 6.4 §4.1): RSDP, XSDT, FADT, MADT and DSDT.
//
// They are the guest's only way to discover the machine. Pure: from a description to bytes. The launcher's
// machine code calls this once at start-up; no guest has run yet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "boot/acpi/acpi_machine.h"
#include "vmm/base/result.h"
#include "vmm/memory/guest_address.h"

namespace husk {

struct AcpiTables {
    // To be placed at address_map::kAcpiTables, in memory that the guest's memory map reserves. The RSDP comes
    // first.
    std::vector<std::byte> image;
    GuestAddress rsdp;
};

// Fails for a machine that CheckAcpiMachine refuses and for one whose tables do not fit
// address_map::kAcpiTablesMax.
[[nodiscard]] Result<AcpiTables> BuildAcpiTables(const AcpiMachine& machine);

}  // namespace husk
