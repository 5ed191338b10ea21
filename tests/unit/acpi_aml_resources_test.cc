// Resource descriptors against byte strings derived by hand from ACPI 6.4 §6.4.
#include "boot/acpi/aml_resources.h"

#include <gtest/gtest.h>

#include <span>
#include <vector>

namespace husk::aml {
namespace {

using Hex = std::vector<unsigned>;

Hex Bytes(std::span<const std::byte> bytes) {
    Hex values;
    for (const std::byte byte : bytes) values.push_back(std::to_integer<unsigned>(byte));
    return values;
}

TEST(AmlResources, FixedMemoryIsWritable) {
    EXPECT_EQ(Bytes(Memory32Fixed(GuestAddress(0xd0001000), 0x200).bytes),
              (Hex{0x86, 9, 0, 0x01, 0x00, 0x10, 0x00, 0xd0, 0x00, 0x02, 0x00, 0x00}));
}

TEST(AmlResourcesDeathTest, FixedMemoryBeyond32BitsAborts) {
    EXPECT_DEATH((void)Memory32Fixed(GuestAddress(0x1'0000'0000), 0x1000), "");
}

TEST(AmlResources, PortsAreAtOnePlaceOnly) {
    EXPECT_EQ(Bytes(Io(0x3f8, 8).bytes), (Hex{0x47, 0x01, 0xf8, 0x03, 0xf8, 0x03, 0x01, 0x08}));
}

TEST(AmlResources, InterruptIsConsumedEdgeActiveHighExclusive) {
    EXPECT_EQ(Bytes(Interrupt(0x1234).bytes), (Hex{0x89, 6, 0, 0x03, 1, 0x34, 0x12, 0, 0}));
}

TEST(AmlResources, TemplateEndsInTheEndTag) {
    EXPECT_EQ(Bytes(ResourceTemplate({}).Bytes()), (Hex{0x11, 0x05, 0x0a, 0x02, 0x79, 0x00}));
    EXPECT_EQ(Bytes(ResourceTemplate({Interrupt(3)}).Bytes()),
              (Hex{0x11, 0x0e, 0x0a, 0x0b, 0x89, 6, 0, 0x03, 1, 3, 0, 0, 0, 0x79, 0x00}));
}

TEST(AmlResources, DescriptorsKeepTheirOrder) {
    const Code code = ResourceTemplate({Io(0x3f8, 8), Interrupt(1)});
    const Hex bytes = Bytes(code.Bytes());
    EXPECT_EQ(bytes.size(), 4U + 8U + 9U + 2U);
    EXPECT_EQ(bytes[4], 0x47U);
    EXPECT_EQ(bytes[12], 0x89U);
}

}  // namespace
}  // namespace husk::aml
