#include "boot/acpi/dsdt.h"

#include <cstdint>

#include "boot/acpi/aml.h"
#include "boot/acpi/aml_resources.h"
#include "boot/acpi/table.h"

namespace husk::acpi {
namespace {

using namespace aml;

constexpr std::uint8_t kRevision = 2;  // 64-bit integers

// The SLP_TYP that a guest writes to the sleep control register to switch the machine off: its S-state's
// number, so that the whole byte with SLP_EN (bit 5) is 0x34 (§4.8.3.7).
constexpr std::uint64_t kSoftOff = 5;

// The value with which Linux' button driver takes a notification as "pressed" (§4.8.2.2.1.2).
constexpr std::uint64_t kButtonPressed = 0x80;

// §7.4.2.6. The second and later elements are of no meaning here.
Code SleepStates() { return Name("\\_S5", Package({Integer(kSoftOff), Integer(0), Integer(0), Integer(0)})); }

// §8.4: a processor that is found in the MADT by its UID.
Code Processor(std::uint32_t uid) {
    return Device(NameString::Numbered('C', uid), {
                                                      Name("_HID", String("ACPI0007")),
                                                      Name("_UID", Integer(uid)),
                                                  });
}

// Virtio 1.2 §4.2.1 leaves discovery open; this identifier is the one that Linux' virtio_mmio matches.
// Without _CCA: DMA is coherent on this architecture.
Code Virtio(const AcpiMachine::VirtioNode& node, std::uint32_t uid) {
    return Device(NameString::Numbered('V', uid),
                  {
                      Name("_HID", String("LNRO0005")),
                      Name("_UID", Integer(uid)),
                      Name("_CRS", ResourceTemplate({Memory32Fixed(node.registers, node.size), Interrupt(node.gsi)})),
                  });
}

// A 16550A. The extended descriptor is what Linux takes as it is; IRQ() would be subject to its ISA
// overrides.
Code Uart(const AcpiMachine::Uart& uart) {
    return Device(
        "COM1",
        {
            Name("_HID", Integer(EisaId("PNP0501"))),
            Name("_UID", Integer(1)),
            Name("_CRS", ResourceTemplate({Io(uart.port, static_cast<std::uint8_t>(uart.ports)), Interrupt(uart.gsi)})),
        });
}

// The power button (§4.8.2.2.1.2) and the Generic Event Device (§5.6.9) whose interrupt says that it was
// pressed.
Code PowerButton(std::uint32_t gsi) {
    return {
        Device("PWRB",
               {
                   Name("_HID", Integer(EisaId("PNP0C0C"))),
                   Name("_UID", Integer(0)),
               }),
        Device("GED0",
               {
                   Name("_HID", String("ACPI0013")),
                   Name("_UID", Integer(0)),
                   Name("_CRS", ResourceTemplate({Interrupt(gsi)})),
                   Method("_EVT", 1, Serialize::kNo,
                          {If(Equal(Argument(0), Integer(gsi)), {Notify("\\_SB.PWRB", Integer(kButtonPressed))})}),
               }),
    };
}

}  // namespace

std::vector<std::byte> MakeDsdt(const AcpiMachine& machine) {
    Code devices;
    for (std::uint32_t uid = 0; uid < machine.cpus; ++uid) devices += Processor(uid);
    std::uint32_t virtio_uid = 0;
    for (const AcpiMachine::VirtioNode& node : machine.virtio) devices += Virtio(node, virtio_uid++);
    if (machine.uart) devices += Uart(*machine.uart);
    devices += PowerButton(machine.power_button_gsi);
    const Code terms{SleepStates(), Scope("\\_SB", devices)};
    return MakeTable("DSDT", kRevision, terms.Bytes());
}

}  // namespace husk::acpi
