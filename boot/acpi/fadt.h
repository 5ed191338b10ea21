// The Fixed ACPI Description Table (ACPI 6.4 §5.2.9) of a machine without fixed hardware.
#pragma once

#include <cstddef>
#include <vector>

#include "vmm/memory/guest_address.h"

namespace husk::acpi {

[[nodiscard]] std::vector<std::byte> MakeFadt(GuestAddress dsdt);

}  // namespace husk::acpi
