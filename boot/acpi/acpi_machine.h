// AcpiMachine: what the ACPI tables describe. The fixed places (IOAPIC, local APICs, sleep and reset ports)
// are those of vmm/memory/address_map.h; what varies from machine to machine is here.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "vmm/base/result.h"
#include "vmm/memory/guest_address.h"

namespace husk {

struct AcpiMachine {
    // A virtio-mmio register block (Virtio 1.2 §4.2) and its interrupt.
    struct VirtioNode {
        GuestAddress registers;
        std::uint64_t size = 0;
        std::uint32_t gsi = 0;
    };
    // A 16550A-compatible serial port.
    struct Uart {
        std::uint16_t port = 0;   // the first one
        std::uint16_t ports = 0;  // how many
        std::uint32_t gsi = 0;
    };

    // Processor i has ACPI UID i and local APIC ID i.
    std::uint32_t cpus = 0;
    std::vector<VirtioNode> virtio;
    std::optional<Uart> uart;
    std::uint32_t power_button_gsi = 0;
};

// The most processors, and the most devices of one kind, that the DSDT has names for.
inline constexpr std::uint32_t kAcpiMaxCpus = 0x1000;
inline constexpr std::uint32_t kAcpiMaxVirtioNodes = 0x1000;

// Refuses what the tables cannot say or what a Linux guest would silently not use: an interrupt that two
// devices share (descriptors are edge-triggered and exclusive), interrupt 0 or 2 (x86 Linux takes neither
// from an ACPI device, whatever interrupt controller there is), registers beyond 4 GiB, a UART of no or more
// than 255 ports.
[[nodiscard]] Result<> CheckAcpiMachine(const AcpiMachine& machine);

}  // namespace husk
