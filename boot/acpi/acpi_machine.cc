#include "boot/acpi/acpi_machine.h"

#include <algorithm>
#include <string>

namespace husk {
namespace {

constexpr std::uint64_t kTop32 = std::uint64_t{1} << 32;

Result<> CheckInterrupts(const AcpiMachine& machine) {
    std::vector<std::uint32_t> used{machine.power_button_gsi};
    if (machine.uart) used.push_back(machine.uart->gsi);
    for (const AcpiMachine::VirtioNode& node : machine.virtio) used.push_back(node.gsi);

    std::ranges::sort(used);
    for (const std::uint32_t gsi : used) {
        if (gsi == 0 || gsi == 2)
            return Fail("interrupt " + std::to_string(gsi) + " cannot be given to an ACPI device");
    }
    const auto twice = std::ranges::adjacent_find(used);
    if (twice != used.end()) return Fail("interrupt " + std::to_string(*twice) + " is given to two ACPI devices");
    return {};
}

Result<> CheckRegisters(const AcpiMachine& machine) {
    for (const AcpiMachine::VirtioNode& node : machine.virtio) {
        const auto end = node.registers.CheckedAdd(node.size);
        if (node.size == 0 || !end || end->Value() > kTop32) {
            return Fail("the registers of a virtio device are not within the first 4 GiB");
        }
    }
    if (!machine.uart) return {};
    const AcpiMachine::Uart& uart = *machine.uart;
    if (uart.ports == 0 || uart.ports > 0xff || uart.port + uart.ports > 0x10000) {
        return Fail("the ports of the UART are not within the I/O space");
    }
    return {};
}

}  // namespace

Result<> CheckAcpiMachine(const AcpiMachine& machine) {
    if (machine.cpus == 0 || machine.cpus > kAcpiMaxCpus) {
        return Fail(ErrorKind::kUsage, "a machine has 1 to " + std::to_string(kAcpiMaxCpus) + " processors, not " +
                                           std::to_string(machine.cpus));
    }
    if (machine.virtio.size() > kAcpiMaxVirtioNodes) {
        return Fail(ErrorKind::kUsage, "a machine has at most " + std::to_string(kAcpiMaxVirtioNodes) +
                                           " virtio devices, not " + std::to_string(machine.virtio.size()));
    }
    HUSK_TRY(CheckInterrupts(machine));
    return CheckRegisters(machine);
}

}  // namespace husk
