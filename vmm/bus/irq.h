// Interrupts as devices see them: lines to pull and, for the IOAPIC, the routes behind them.
#pragma once

#include <cstdint>
#include <optional>

namespace husk {

// A global system interrupt (ACPI's number for an IOAPIC input pin).
enum class Gsi : std::uint32_t {};

// One edge-triggered interrupt line. Pulse() may be called on any thread and never blocks.
class IrqLine {
 public:
    virtual ~IrqLine() = default;
    virtual void Pulse() = 0;
};

// A message-signalled interrupt, as the local APICs understand it (Intel SDM vol. 3, 11.11).
struct MsiMessage {
    std::uint64_t address = 0;
    std::uint32_t data = 0;
    friend bool operator==(const MsiMessage&, const MsiMessage&) = default;
};

// Where the interrupts of the IOAPIC's pins go. Called on vCPU threads, under the IOAPIC's lock, with values the guest
// chose; implemented over KVM's routing table and irqfds (vmm/kvm) and by a recorder in tests.
class IrqRouter {
 public:
    virtual ~IrqRouter() = default;
    // Delivers pulses of `gsi` as `message` from now on; a pulse that came while it was masked is delivered at once.
    virtual void Unmask(Gsi gsi, const MsiMessage& message) = 0;
    // Holds back pulses of `gsi` until it is unmasked. They are latched, not lost.
    virtual void Mask(Gsi gsi) = 0;
};

}  // namespace husk
