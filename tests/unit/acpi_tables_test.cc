// The finished image, read back from the RSDP on. Offsets are those of ACPI 6.4 §5.2.
#include "boot/acpi/acpi_tables.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include "tests/acpi/table_reader.h"
#include "vmm/memory/address_map.h"

namespace husk {
namespace {

AcpiMachine Machine(std::uint32_t cpus, std::uint32_t virtio, bool uart) {
    AcpiMachine machine;
    machine.cpus = cpus;
    for (std::uint32_t i = 0; i < virtio; ++i) {
        machine.virtio.push_back({.registers = GuestAddress(0xd0000000 + i * 0x1000), .size = 0x1000, .gsi = 5 + i});
    }
    if (uart) machine.uart = {.port = 0x3f8, .ports = 8, .gsi = 4};
    machine.power_button_gsi = 3;
    return machine;
}

// How often `text` (a name or an identifier) is in the AML.
std::size_t Count(const Table& dsdt, const std::string& text) {
    const std::string aml = dsdt.Text(36, dsdt.Body().size());
    std::size_t count = 0;
    for (std::size_t at = aml.find(text); at != std::string::npos; at = aml.find(text, at + 1)) ++count;
    return count;
}

bool Contains(const Table& table, std::initializer_list<unsigned> bytes) {
    std::vector<std::byte> wanted;
    for (const unsigned byte : bytes) wanted.push_back(static_cast<std::byte>(byte));
    return !std::ranges::search(table.Body(), wanted).empty();
}

// Processors, virtio devices, UART.
class AcpiTablesOf : public testing::TestWithParam<std::tuple<std::uint32_t, std::uint32_t, bool>> {
 protected:
    std::uint32_t Cpus() const { return std::get<0>(GetParam()); }
    std::uint32_t Virtio() const { return std::get<1>(GetParam()); }
    bool Uart() const { return std::get<2>(GetParam()); }

    AcpiTables tables_ = BuildAcpiTables(Machine(Cpus(), Virtio(), Uart())).value();
    TableReader reader_{tables_};
};

INSTANTIATE_TEST_SUITE_P(Machines, AcpiTablesOf,
                         testing::Combine(testing::Values(1, 2, 8, 64, 254, 255, 256, 300, 1024),
                                          testing::Values(0, 1, 3, 31, 32), testing::Bool()));

TEST_P(AcpiTablesOf, FitTheirPlace) { EXPECT_LE(tables_.image.size(), address_map::kAcpiTablesMax); }

TEST_P(AcpiTablesOf, AreTheFourOfAHardwareReducedMachine) {
    std::vector<std::string> signatures;
    for (const auto& [signature, table] : reader_.All()) signatures.push_back(signature);
    EXPECT_EQ(signatures, (std::vector<std::string>{"APIC", "DSDT", "FACP", "XSDT"}));
}

TEST_P(AcpiTablesOf, SumToZero) {
    for (const auto& [signature, table] : reader_.All()) EXPECT_EQ(table.Sum(), 0U) << signature;
    EXPECT_EQ(reader_.Rsdp().Sum(20), 0U);
    EXPECT_EQ(reader_.Rsdp().Sum(36), 0U);
}

TEST_P(AcpiTablesOf, HaveOneOem) {
    for (const auto& [signature, table] : reader_.All()) EXPECT_EQ(table.Text(10, 14), "HUSK  HUSKVM  ") << signature;
}

TEST_P(AcpiTablesOf, HaveADeviceForEverything) {
    const Table& dsdt = reader_.Get("DSDT");
    EXPECT_EQ(Count(dsdt, "ACPI0007"), Cpus());
    EXPECT_EQ(Count(dsdt, "LNRO0005"), Virtio());
    EXPECT_EQ(Count(dsdt, "COM1"), Uart() ? 1U : 0U);
    EXPECT_EQ(Count(dsdt, "ACPI0013"), 1U);
}

TEST_P(AcpiTablesOf, ScopeOfTheDsdtEndsWithTheTable) {
    const Table& dsdt = reader_.Get("DSDT");
    // Behind the header: Name(\_S5, Package(5, 0, 0, 0)) of 14 bytes, then the scope's opcode.
    const std::size_t scope = 36 + 14;
    ASSERT_EQ(dsdt.At<std::uint8_t>(scope), 0x10U);
    const unsigned lead = dsdt.At<std::uint8_t>(scope + 1);
    const unsigned following = lead >> 6;
    std::size_t length = following == 0 ? lead : lead & 0xf;
    for (unsigned i = 0; i < following; ++i) {
        length |= static_cast<std::size_t>(dsdt.At<std::uint8_t>(scope + 2 + i)) << (4 + 8 * i);
    }
    EXPECT_EQ(scope + 1 + length, dsdt.Bytes().size());
}

// The rest looks at one machine with everything.
class AcpiTablesTest : public testing::Test {
 protected:
    AcpiTables tables_ = BuildAcpiTables(Machine(2, 3, true)).value();
    TableReader reader_{tables_};
};

TEST_F(AcpiTablesTest, RsdpIsFirstAndNamesOnlyTheXsdt) {
    const Table& rsdp = reader_.Rsdp();
    EXPECT_EQ(tables_.rsdp, address_map::kAcpiTables);
    EXPECT_EQ(rsdp.Text(0, 8), "RSD PTR ");
    EXPECT_EQ(rsdp.Text(9, 6), "HUSK  ");
    EXPECT_EQ(rsdp.At<std::uint8_t>(15), 2U);    // revision
    EXPECT_EQ(rsdp.At<std::uint32_t>(16), 0U);   // RSDT
    EXPECT_EQ(rsdp.At<std::uint32_t>(20), 36U);  // length
    EXPECT_EQ(reader_.Get("XSDT").At<std::uint8_t>(8), 1U);
}

TEST_F(AcpiTablesTest, TablesAreAlignedAndDoNotOverlap) {
    const std::vector<std::uint64_t> pointers{
        reader_.Rsdp().At<std::uint64_t>(24), reader_.Get("XSDT").At<std::uint64_t>(36),
        reader_.Get("XSDT").At<std::uint64_t>(44), reader_.Get("FACP").At<std::uint64_t>(140)};
    std::size_t size = 36;
    for (const std::uint64_t pointer : pointers) EXPECT_EQ(pointer % 16, 0U);
    for (const auto& [signature, table] : reader_.All()) size += table.Bytes().size();
    EXPECT_GE(tables_.image.size(), size);
    EXPECT_LT(tables_.image.size(), size + 4 * 16);
}

TEST_F(AcpiTablesTest, FadtIsOfRevision6Point4) {
    const Table& fadt = reader_.Get("FACP");
    EXPECT_EQ(fadt.Bytes().size(), 276U);
    EXPECT_EQ(fadt.At<std::uint8_t>(8), 6U);
    EXPECT_EQ(fadt.At<std::uint8_t>(131), 4U);
}

TEST_F(AcpiTablesTest, FadtAnnouncesNoLegacyHardware) {
    const Table& fadt = reader_.Get("FACP");
    EXPECT_EQ(fadt.At<std::uint16_t>(109), 0x24U);  // no VGA, no CMOS RTC; neither 8042 nor legacy devices
    EXPECT_EQ(fadt.At<std::uint32_t>(112),
              0x101475U);                        // HW_REDUCED | HEADLESS | RESET_REG_SUP | FIX_RTC | buttons | ...
    EXPECT_EQ(fadt.At<std::uint16_t>(129), 0U);  // ARM
    EXPECT_EQ(fadt.At<std::uint32_t>(36), 0U);   // FACS
    EXPECT_EQ(fadt.At<std::uint64_t>(132), 0U);  // and its 64-bit address
}

TEST_F(AcpiTablesTest, FadtHasNeitherAddressesNorLengthsOfFixedBlocks) {
    const auto fadt = reader_.Get("FACP").Bytes();
    const auto is_zero = [](std::byte byte) { return byte == std::byte{0}; };
    EXPECT_TRUE(std::ranges::all_of(fadt.subspan(40, 109 - 40), is_zero));    // 32-bit fields
    EXPECT_TRUE(std::ranges::all_of(fadt.subspan(148, 244 - 148), is_zero));  // generic addresses
}

TEST_F(AcpiTablesTest, FadtsRegistersAreBytePorts) {
    const Table& fadt = reader_.Get("FACP");
    const std::uint32_t byte_port = 0x01'00'08'01;  // I/O space, 8 bits wide, at bit 0, accessed by bytes
    EXPECT_EQ(fadt.At<std::uint32_t>(116), byte_port);
    EXPECT_EQ(fadt.At<std::uint64_t>(120), address_map::kResetPort);
    EXPECT_EQ(fadt.At<std::uint8_t>(128), address_map::kResetValue);
    EXPECT_EQ(fadt.At<std::uint32_t>(244), byte_port);
    EXPECT_EQ(fadt.At<std::uint64_t>(248), address_map::kSleepControlPort);
    EXPECT_EQ(fadt.At<std::uint32_t>(256), byte_port);
    EXPECT_EQ(fadt.At<std::uint64_t>(260), address_map::kSleepStatusPort);
}

TEST_F(AcpiTablesTest, SoftOffIsSleepType5) {
    EXPECT_TRUE(Contains(reader_.Get("DSDT"), {0x08, '\\', '_', 'S', '5', '_', 0x12, 0x07, 0x04, 0x0a, 0x05, 0, 0, 0}));
}

TEST_F(AcpiTablesTest, VirtioDeviceHasItsRegistersAndInterrupt) {
    EXPECT_TRUE(Contains(reader_.Get("DSDT"), {0x86, 9, 0, 1, 0x00, 0x20, 0x00, 0xd0, 0x00, 0x10, 0x00, 0x00,  //
                                               0x89, 6, 0, 3, 1,    7,    0,    0,    0,    0x79, 0}));
}

TEST_F(AcpiTablesTest, UartHasItsPortsAndInterrupt) {
    EXPECT_TRUE(Contains(reader_.Get("DSDT"), {0x47, 1, 0xf8, 0x03, 0xf8, 0x03, 1, 8,  //
                                               0x89, 6, 0, 3, 1, 4, 0, 0, 0, 0x79, 0}));
}

TEST_F(AcpiTablesTest, PowerButtonIsNotifiedByItsInterrupt) {
    EXPECT_TRUE(
        Contains(reader_.Get("DSDT"), {'_',  'E',  'V',  'T', 0x01, 0xa0, 0x12, 0x93, 0x68, 0x0a, 0x03,  //
                                       0x86, '\\', 0x2e, '_', 'S',  'B',  '_',  'P',  'W',  'R',  'B',  0x0a, 0x80}));
}

TEST(AcpiTables, BuildingTwiceGivesTheSameBytes) {
    EXPECT_EQ(BuildAcpiTables(Machine(4, 4, true)).value().image, BuildAcpiTables(Machine(4, 4, true)).value().image);
}

TEST(AcpiTables, MachineTooLargeForTheirPlaceIsRefused) {
    const auto tables = BuildAcpiTables(Machine(4096, 32, true));
    ASSERT_FALSE(tables);
    EXPECT_EQ(tables.error().Kind(), ErrorKind::kUsage);
    EXPECT_TRUE(
        tables.error().Message().starts_with("the ACPI tables for 4096 processors and 32 virtio devices take "));
    EXPECT_TRUE(tables.error().Message().ends_with(" bytes; there is room for 131056"));
}

}  // namespace
}  // namespace husk
