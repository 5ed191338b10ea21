// The MADT's structures, walked by their length bytes (ACPI 6.4 §5.2.12).
#include "boot/acpi/madt.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "tests/acpi/table_reader.h"

namespace husk {
namespace {

constexpr unsigned kLocalApic = 0, kIoApic = 1, kLocalApicNmi = 4, kLocalX2Apic = 9, kLocalX2ApicNmi = 10;

// The structures of one type.
std::vector<Table> Structures(const Table& madt, unsigned type) {
    std::vector<Table> found;
    for (std::size_t at = 44; at < madt.Bytes().size(); at += madt.At<std::uint8_t>(at + 1)) {
        if (madt.At<std::uint8_t>(at) == type)
            found.emplace_back(madt.Bytes().subspan(at, madt.At<std::uint8_t>(at + 1)));
    }
    return found;
}

Table Madt(std::uint32_t cpus) { return Table(acpi::MakeMadt(cpus)); }

TEST(Madt, SaysWhereLocalApicsAreAndThatThereIsNoPic) {
    const Table madt = Madt(1);
    EXPECT_EQ(madt.Signature(), "APIC");
    EXPECT_EQ(madt.At<std::uint8_t>(8), 5U);
    EXPECT_EQ(madt.At<std::uint32_t>(36), 0xfee00000U);
    EXPECT_EQ(madt.At<std::uint32_t>(40), 0U);
}

TEST(Madt, IsSmallestWithOneProcessor) {
    const Table madt = Madt(1);
    EXPECT_EQ(madt.Bytes().size(), 44U + 8U + 12U + 6U);
    EXPECT_EQ(madt.Sum(), 0U);
}

TEST(Madt, OneIoapicFromGsiZeroOn) {
    const std::vector<Table> ioapics = Structures(Madt(4), kIoApic);
    ASSERT_EQ(ioapics.size(), 1U);
    EXPECT_EQ(ioapics[0].Bytes().size(), 12U);
    EXPECT_EQ(ioapics[0].At<std::uint32_t>(4), 0xfec00000U);
    EXPECT_EQ(ioapics[0].At<std::uint32_t>(8), 0U);
}

TEST(Madt, ProcessorsAreEnabledWithUidAndApicIdAlike) {
    const std::vector<Table> apics = Structures(Madt(255), kLocalApic);
    ASSERT_EQ(apics.size(), 255U);
    for (std::size_t i = 0; i < apics.size(); ++i) {
        EXPECT_EQ(apics[i].Bytes().size(), 8U);
        EXPECT_EQ(apics[i].At<std::uint8_t>(2), i);
        EXPECT_EQ(apics[i].At<std::uint8_t>(3), i);
        EXPECT_EQ(apics[i].At<std::uint32_t>(4), 1U);
    }
}

TEST(Madt, X2ApicStructuresAreNotUsedForSmallIds) {
    EXPECT_TRUE(Structures(Madt(255), kLocalX2Apic).empty());
    EXPECT_TRUE(Structures(Madt(255), kLocalX2ApicNmi).empty());
}

TEST(Madt, IdsFrom255OnTakeX2ApicStructures) {
    const Table madt = Madt(257);
    const std::vector<Table> x2apics = Structures(madt, kLocalX2Apic);
    EXPECT_EQ(Structures(madt, kLocalApic).size(), 255U);
    ASSERT_EQ(x2apics.size(), 2U);
    EXPECT_EQ(x2apics[0].Bytes().size(), 16U);
    EXPECT_EQ(x2apics[0].At<std::uint32_t>(4), 255U);
    EXPECT_EQ(x2apics[0].At<std::uint32_t>(8), 1U);
    EXPECT_EQ(x2apics[0].At<std::uint32_t>(12), 255U);
    EXPECT_EQ(x2apics[1].At<std::uint32_t>(4), 256U);
}

TEST(Madt, NmiIsOnLint1OfAllProcessors) {
    const std::vector<Table> nmis = Structures(Madt(1), kLocalApicNmi);
    ASSERT_EQ(nmis.size(), 1U);
    EXPECT_EQ(nmis[0].At<std::uint8_t>(2), 0xffU);
    EXPECT_EQ(nmis[0].At<std::uint16_t>(3), 0U);
    EXPECT_EQ(nmis[0].At<std::uint8_t>(5), 1U);
}

TEST(Madt, NmiIsAlsoOnLint1OfAllX2ApicProcessors) {
    const std::vector<Table> nmis = Structures(Madt(256), kLocalX2ApicNmi);
    ASSERT_EQ(nmis.size(), 1U);
    EXPECT_EQ(nmis[0].Bytes().size(), 12U);
    EXPECT_EQ(nmis[0].At<std::uint32_t>(4), 0xffffffffU);
    EXPECT_EQ(nmis[0].At<std::uint8_t>(8), 1U);
}

}  // namespace
}  // namespace husk
