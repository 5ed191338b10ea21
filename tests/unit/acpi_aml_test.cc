// The AML writer against byte strings derived by hand from ACPI 6.4 §20.2.
#include "boot/acpi/aml.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

namespace husk::aml {
namespace {

using Hex = std::vector<unsigned>;

Hex Bytes(std::span<const std::byte> bytes) {
    Hex values;
    for (const std::byte byte : bytes) values.push_back(std::to_integer<unsigned>(byte));
    return values;
}
Hex Bytes(const Code& code) { return Bytes(code.Bytes()); }
Hex Bytes(const NameString& name) { return Bytes(name.Bytes()); }

std::string Text(const NameString& name) {
    std::string text;
    for (const std::byte byte : name.Bytes()) text += static_cast<char>(byte);
    return text;
}

Code Nothing(std::size_t size) { return Code(std::vector<std::byte>(size)); }

TEST(AmlName, ShortSegmentIsPaddedWithUnderscores) {
    EXPECT_EQ(Text("PWRB"), "PWRB");
    EXPECT_EQ(Text("_S5"), "_S5_");
    EXPECT_EQ(Text("A"), "A___");
}

TEST(AmlName, RootAloneEndsInNullName) { EXPECT_EQ(Bytes(NameString("\\")), (Hex{'\\', 0})); }

TEST(AmlName, RootedSegmentHasNoPrefixButTheRoot) { EXPECT_EQ(Text("\\_SB"), "\\_SB_"); }

TEST(AmlName, TwoSegmentsTakeTheDualPrefix) {
    EXPECT_EQ(Text("\\_SB.PWRB"), "\\\x2e_SB_PWRB");
    EXPECT_EQ(Text("AB.CD"),
              "\x2e"
              "AB__CD__");
}

TEST(AmlName, ThreeSegmentsTakeTheMultiPrefixAndTheirCount) {
    EXPECT_EQ(Text("\\_SB.GED0._CRS"), "\\\x2f\x03_SB_GED0_CRS");
}

TEST(AmlName, NumberedNamesCountInHexadecimal) {
    EXPECT_EQ(Text(NameString::Numbered('V', 0)), "V000");
    EXPECT_EQ(Text(NameString::Numbered('V', 0x1f)), "V01F");
    EXPECT_EQ(Text(NameString::Numbered('C', 0xfff)), "CFFF");
}

TEST(AmlNameDeathTest, NumberWithoutANameAborts) { EXPECT_DEATH((void)NameString::Numbered('C', 0x1000), ""); }

TEST(AmlEisaId, IsCompressedAsTheSpecificationsExamples) {
    static_assert(EisaId("PNP0501").Value() == 0x0105d041);
    EXPECT_EQ(Bytes(Integer(EisaId("PNP0501"))), (Hex{0x0c, 0x41, 0xd0, 0x05, 0x01}));
    EXPECT_EQ(Bytes(Integer(EisaId("PNP0C0C"))), (Hex{0x0c, 0x41, 0xd0, 0x0c, 0x0c}));
}

TEST(AmlPkgLength, OneByteUpToATotalOf63) {
    EXPECT_EQ(Bytes(PkgLength(0)), (Hex{0x01}));
    EXPECT_EQ(Bytes(PkgLength(62)), (Hex{0x3f}));
}

TEST(AmlPkgLength, TwoBytesFromWhereOneIsNotEnoughUpToATotalOf4095) {
    EXPECT_EQ(Bytes(PkgLength(63)), (Hex{0x41, 0x04}));    // 65 = 4 * 16 + 1
    EXPECT_EQ(Bytes(PkgLength(64)), (Hex{0x42, 0x04}));    // 66
    EXPECT_EQ(Bytes(PkgLength(4093)), (Hex{0x4f, 0xff}));  // 4095
}

TEST(AmlPkgLength, ThreeBytesFromThereUpToATotalOfTwenty20Bits) {
    EXPECT_EQ(Bytes(PkgLength(4094)), (Hex{0x81, 0x00, 0x01}));     // 4097
    EXPECT_EQ(Bytes(PkgLength(4095)), (Hex{0x82, 0x00, 0x01}));     // 4098
    EXPECT_EQ(Bytes(PkgLength(1048572)), (Hex{0x8f, 0xff, 0xff}));  // 1048575
}

TEST(AmlPkgLength, FourBytesUpToATotalOf28Bits) {
    EXPECT_EQ(Bytes(PkgLength(1048573)), (Hex{0xc1, 0x00, 0x00, 0x01}));    // 1048577
    EXPECT_EQ(Bytes(PkgLength(268435451)), (Hex{0xcf, 0xff, 0xff, 0xff}));  // 268435455
}

TEST(AmlPkgLengthDeathTest, MoreThan28BitsAborts) { EXPECT_DEATH((void)PkgLength(268435452), ""); }

TEST(AmlInteger, TakesTheShortestEncoding) {
    EXPECT_EQ(Bytes(Integer(0)), (Hex{0x00}));
    EXPECT_EQ(Bytes(Integer(1)), (Hex{0x01}));
    EXPECT_EQ(Bytes(Integer(2)), (Hex{0x0a, 0x02}));
    EXPECT_EQ(Bytes(Integer(0xff)), (Hex{0x0a, 0xff}));
    EXPECT_EQ(Bytes(Integer(0x100)), (Hex{0x0b, 0x00, 0x01}));
    EXPECT_EQ(Bytes(Integer(0xffff)), (Hex{0x0b, 0xff, 0xff}));
    EXPECT_EQ(Bytes(Integer(0x10000)), (Hex{0x0c, 0x00, 0x00, 0x01, 0x00}));
    EXPECT_EQ(Bytes(Integer(0xffff'ffff)), (Hex{0x0c, 0xff, 0xff, 0xff, 0xff}));
    EXPECT_EQ(Bytes(Integer(0x1'0000'0000)), (Hex{0x0e, 0, 0, 0, 0, 1, 0, 0, 0}));
}

TEST(AmlString, EndsInZero) {
    EXPECT_EQ(Bytes(String("AB")), (Hex{0x0d, 'A', 'B', 0}));
    EXPECT_EQ(Bytes(String("")), (Hex{0x0d, 0}));
}

TEST(AmlStringDeathTest, WhatIsNotAsciiAborts) {
    EXPECT_DEATH((void)String("\xc3\xa9"), "");
    EXPECT_DEATH((void)String(std::string_view("a\0b", 3)), "");
}

TEST(AmlBuffer, CarriesItsSizeAsAnInteger) {
    const std::vector bytes{std::byte{0xaa}, std::byte{0xbb}};
    EXPECT_EQ(Bytes(Buffer(bytes)), (Hex{0x11, 0x05, 0x0a, 0x02, 0xaa, 0xbb}));
    EXPECT_EQ(Bytes(Buffer({})), (Hex{0x11, 0x02, 0x00}));
}

TEST(AmlPackage, CountsItsElements) {
    EXPECT_EQ(Bytes(Package({})), (Hex{0x12, 0x02, 0x00}));
    EXPECT_EQ(Bytes(Package({Integer(5), Integer(0), Integer(0), Integer(0)})),
              (Hex{0x12, 0x07, 0x04, 0x0a, 0x05, 0x00, 0x00, 0x00}));
}

TEST(AmlName, ObjectIsOpcodeNameValue) {
    EXPECT_EQ(Bytes(Name("_UID", Integer(7))), (Hex{0x08, '_', 'U', 'I', 'D', 0x0a, 0x07}));
}

TEST(AmlScope, ContainsItsTerms) {
    EXPECT_EQ(Bytes(Scope("\\_SB", {})), (Hex{0x10, 0x06, '\\', '_', 'S', 'B', '_'}));
    EXPECT_EQ(Bytes(Scope("A", {Name("B", Integer(0))})),
              (Hex{0x10, 0x0b, 'A', '_', '_', '_', 0x08, 'B', '_', '_', '_', 0x00}));
}

TEST(AmlDevice, HasATwoByteOpcode) {
    EXPECT_EQ(Bytes(Device("PWRB", {Name("_UID", Integer(0))})),
              (Hex{0x5b, 0x82, 0x0b, 'P', 'W', 'R', 'B', 0x08, '_', 'U', 'I', 'D', 0x00}));
}

TEST(AmlDevice, LengthGrowsAtTheBoundaryOf63) {
    const Hex at_62 = Bytes(Device("D", Nothing(58)));
    const Hex at_63 = Bytes(Device("D", Nothing(59)));
    EXPECT_EQ((Hex{at_62[2], at_62[3]}), (Hex{0x3f, 'D'}));
    EXPECT_EQ((Hex{at_63[2], at_63[3], at_63[4]}), (Hex{0x41, 0x04, 'D'}));
}

TEST(AmlMethod, FlagsCarryArgumentsAndSerialisation) {
    EXPECT_EQ(Bytes(Method("_EVT", 1, Serialize::kNo, {})), (Hex{0x14, 0x06, '_', 'E', 'V', 'T', 0x01}));
    EXPECT_EQ(Bytes(Method("M", 7, Serialize::kYes, {Argument(6)})), (Hex{0x14, 0x07, 'M', '_', '_', '_', 0x0f, 0x6e}));
}

TEST(AmlMethodDeathTest, ArgumentsBeyondSevenAbort) {
    EXPECT_DEATH((void)Method("M", 8, Serialize::kNo, {}), "");
    EXPECT_DEATH((void)Argument(7), "");
}

TEST(AmlIf, HoldsPredicateAndTerms) {
    EXPECT_EQ(Bytes(If(Equal(Argument(0), Integer(2)), {Notify("PWRB", Integer(0x80))})),
              (Hex{0xa0, 0x0c, 0x93, 0x68, 0x0a, 0x02, 0x86, 'P', 'W', 'R', 'B', 0x0a, 0x80}));
}

TEST(AmlNotify, TakesAPath) {
    EXPECT_EQ(Bytes(Notify("\\_SB.PWRB", Integer(1))),
              (Hex{0x86, '\\', 0x2e, '_', 'S', 'B', '_', 'P', 'W', 'R', 'B', 0x01}));
}

TEST(AmlCode, TermsFollowEachOther) {
    Code code = Integer(0);
    code += Integer(1);
    EXPECT_EQ(Bytes(Code{code, Argument(1), Code()}), (Hex{0x00, 0x01, 0x69}));
}

}  // namespace
}  // namespace husk::aml
