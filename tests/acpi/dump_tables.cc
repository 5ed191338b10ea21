// acpi_dump DIRECTORY CPUS VIRTIO UART: writes each ACPI table of such a machine to
// DIRECTORY/<signature>.dat, for tests/acpi/iasl_test.sh. UART is "on" or "off".
#include <cstdint>
#include <fstream>
#include <iostream>
#include <span>
#include <string>
#include <string_view>

#include "boot/acpi/acpi_tables.h"
#include "tests/acpi/table_reader.h"
#include "vmm/memory/address_map.h"

namespace {

namespace map = husk::address_map;

husk::AcpiMachine Machine(std::uint32_t cpus, std::uint32_t virtio, bool uart) {
    husk::AcpiMachine machine;
    machine.cpus = cpus;
    if (uart) machine.uart = {.port = map::kUartPort, .ports = map::kUartPorts, .gsi = map::kUartGsi};
    machine.power_button_gsi = map::kPowerButtonGsi;
    for (std::uint32_t i = 0; i < virtio; ++i) {
        machine.virtio.push_back(
            {.registers = husk::GuestAddress(map::kVirtioMmio.Value() + i * map::kVirtioMmioStride),
             .size = map::kVirtioMmioStride,
             .gsi = map::kFirstVirtioGsi + i});
    }
    return machine;
}

bool Write(const std::string& path, std::span<const std::byte> bytes) {
    std::ofstream file(path, std::ios::binary);
    for (const std::byte byte : bytes) file.put(static_cast<char>(byte));
    file.close();
    if (!file) std::cerr << "cannot write " << path << '\n';
    return static_cast<bool>(file);
}

}  // namespace

int main(int argc, char** argv) {
    const std::span<char*> args(argv, static_cast<std::size_t>(argc));
    if (args.size() != 5) {
        std::cerr << "usage: acpi_dump DIRECTORY CPUS VIRTIO on|off\n";
        return 2;
    }
    const auto number = [&](std::size_t i) { return static_cast<std::uint32_t>(std::stoul(args[i])); };
    const auto tables = husk::BuildAcpiTables(Machine(number(2), number(3), std::string_view(args[4]) == "on"));
    if (!tables) {
        std::cerr << tables.error().Message() << '\n';
        return 1;
    }
    const husk::TableReader reader(*tables);
    bool written = true;
    for (const auto& [signature, table] : reader.All()) {
        written = Write(std::string(args[1]) + "/" + signature + ".dat", table.Bytes()) && written;
    }
    return written ? 0 : 1;
}
