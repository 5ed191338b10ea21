#include "boot/acpi/acpi_machine.h"

#include <gtest/gtest.h>

#include <string>

#include "boot/acpi/acpi_tables.h"
#include "vmm/memory/address_map.h"

namespace husk {
namespace {

AcpiMachine Machine() {
    AcpiMachine machine;
    machine.cpus = 2;
    machine.virtio = {{.registers = GuestAddress(0xd0000000), .size = 0x1000, .gsi = 5},
                      {.registers = GuestAddress(0xd0001000), .size = 0x1000, .gsi = 6}};
    machine.uart = {.port = 0x3f8, .ports = 8, .gsi = 4};
    machine.power_button_gsi = 3;
    return machine;
}

std::string Complaint(const AcpiMachine& machine) {
    const auto result = CheckAcpiMachine(machine);
    return result ? "" : result.error().Message();
}

TEST(AcpiMachine, UsualOneIsAccepted) { EXPECT_EQ(Complaint(Machine()), ""); }

TEST(AcpiMachine, AddressMapsInterruptsAreUsableByLinux) {
    AcpiMachine machine = Machine();
    machine.uart->gsi = address_map::kUartGsi;
    machine.power_button_gsi = address_map::kPowerButtonGsi;
    machine.virtio[0].gsi = address_map::kFirstVirtioGsi;
    machine.virtio[1].gsi = address_map::kFirstVirtioGsi + 1;
    EXPECT_EQ(Complaint(machine), "");
}

TEST(AcpiMachine, ProcessorCountsOutsideTheNameSpaceAreRefused) {
    AcpiMachine none = Machine();
    none.cpus = 0;
    AcpiMachine many = Machine();
    many.cpus = kAcpiMaxCpus + 1;
    EXPECT_EQ(Complaint(none), "a machine has 1 to 4096 processors, not 0");
    EXPECT_EQ(Complaint(many), "a machine has 1 to 4096 processors, not 4097");
}

TEST(AcpiMachine, TooManyVirtioDevicesAreRefused) {
    AcpiMachine machine = Machine();
    machine.virtio.resize(kAcpiMaxVirtioNodes + 1);
    EXPECT_EQ(Complaint(machine), "a machine has at most 4096 virtio devices, not 4097");
}

TEST(AcpiMachine, InterruptsThatLinuxTakesFromNoAcpiDeviceAreRefused) {
    AcpiMachine zero = Machine();
    zero.virtio[0].gsi = 0;
    AcpiMachine two = Machine();
    two.power_button_gsi = 2;
    EXPECT_EQ(Complaint(zero), "interrupt 0 cannot be given to an ACPI device");
    EXPECT_EQ(Complaint(two), "interrupt 2 cannot be given to an ACPI device");
}

TEST(AcpiMachine, InterruptGivenTwiceIsRefused) {
    AcpiMachine machine = Machine();
    machine.uart->gsi = machine.virtio[1].gsi;
    EXPECT_EQ(Complaint(machine), "interrupt 6 is given to two ACPI devices");
}

TEST(AcpiMachine, RegistersUpToTheEndOf4GiBAreAccepted) {
    AcpiMachine machine = Machine();
    machine.virtio[0].registers = GuestAddress(0xffff'f000);
    EXPECT_EQ(Complaint(machine), "");
}

TEST(AcpiMachine, RegistersOutside4GiBAreRefused) {
    AcpiMachine beyond = Machine();
    beyond.virtio[0].registers = GuestAddress(0xffff'f001);
    AcpiMachine wrapping = Machine();
    wrapping.virtio[0].registers = GuestAddress(UINT64_MAX);
    AcpiMachine empty = Machine();
    empty.virtio[0].size = 0;
    EXPECT_EQ(Complaint(beyond), "the registers of a virtio device are not within the first 4 GiB");
    EXPECT_EQ(Complaint(wrapping), "the registers of a virtio device are not within the first 4 GiB");
    EXPECT_EQ(Complaint(empty), "the registers of a virtio device are not within the first 4 GiB");
}

TEST(AcpiMachine, UartPortsOutsideTheIoSpaceAreRefused) {
    AcpiMachine none = Machine();
    none.uart->ports = 0;
    AcpiMachine many = Machine();
    many.uart->ports = 256;
    AcpiMachine beyond = Machine();
    beyond.uart->port = 0xfff9;
    EXPECT_EQ(Complaint(none), "the ports of the UART are not within the I/O space");
    EXPECT_EQ(Complaint(many), "the ports of the UART are not within the I/O space");
    EXPECT_EQ(Complaint(beyond), "the ports of the UART are not within the I/O space");
}

TEST(AcpiMachine, RefusalReachesTheCallerOfBuildAcpiTablesWithContext) {
    AcpiMachine machine = Machine();
    machine.cpus = 0;
    const auto tables = BuildAcpiTables(machine);
    ASSERT_FALSE(tables);
    EXPECT_EQ(tables.error().Message(),
              "cannot describe the machine to its guest: a machine has 1 to 4096 processors, not 0");
    EXPECT_EQ(tables.error().Kind(), ErrorKind::kUsage);
}

}  // namespace
}  // namespace husk
