// RedirectionEntry: one row of an I/O APIC's redirection table (82093AA data sheet, section 3.2.4) and the
// message it stands for.
#pragma once

#include <cstdint>
#include <optional>

#include "vmm/bus/irq.h"

namespace husk {

// A value; every content is valid. Delivery status and remote IRR read as 0: nothing is ever under way for
// long.
class RedirectionEntry {
 public:
    [[nodiscard]] std::uint32_t Low() const { return low_; }
    [[nodiscard]] std::uint32_t High() const { return high_; }
    void SetLow(std::uint32_t value);
    void SetHigh(std::uint32_t value);

    // What an interrupt of this pin is delivered as, or nothing while it is masked.
    //
    // A pin programmed as level-triggered gets the same, edge-triggered message: our lines are edges, ACPI says
    // so, and a level message would only make the local APIC report every end of interrupt to user space.
    // Delivery modes other than fixed and lowest priority (SMI, NMI, INIT, ExtINT) are for wiring that this
    // machine does not have: such an entry delivers nothing, as if masked.
    [[nodiscard]] std::optional<MsiMessage> Message() const;

 private:
    std::uint32_t low_ = 0x1'0000;  // masked, as after a reset
    std::uint32_t high_ = 0;
};

}  // namespace husk
