// The Differentiated System Description Table (ACPI 6.4 §5.2.11.1): the devices, as AML.
#pragma once

#include <cstddef>
#include <vector>

#include "boot/acpi/acpi_machine.h"

namespace husk::acpi {

// `machine` has passed CheckAcpiMachine.
[[nodiscard]] std::vector<std::byte> MakeDsdt(const AcpiMachine& machine);

}  // namespace husk::acpi
