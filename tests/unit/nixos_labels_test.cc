// What file systems call themselves. The bytes are as the mkfs of each wrote them, but for the names.
#include <gtest/gtest.h>

#include "boot/nixos/volumes/volume_labels.h"
#include "tests/support/fat_image.h"
#include "tests/support/iso_image.h"
#include "tests/support/test_image.h"

namespace husk {
namespace {

using testing::TestImage;

constexpr std::uint64_t kMiB = 1U << 20;
constexpr std::string_view kUuidBytes = "\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff\x01";
constexpr std::string_view kUuid = "11223344-5566-7788-99aa-bbccddeeff01";

std::optional<VolumeIdentity> Probe(const TestImage& image) { return ProbeVolume(image, {0, image.Size()}).value(); }
VolumeIdentity Identity(std::string type, std::string label, std::string_view uuid) {
    return {std::move(type), std::move(label), std::string(uuid)};
}

TestImage Ext(std::uint32_t compatible, std::uint32_t incompatible, std::uint32_t read_only) {
    TestImage image(kMiB);
    image.Put(1024 + 0x38, std::uint16_t{0xef53});
    image.Put(1024 + 0x5c, compatible);
    image.Put(1024 + 0x60, incompatible);
    image.Put(1024 + 0x64, read_only);
    image.Put(1024 + 0x68, kUuidBytes);
    image.Put(1024 + 0x78, std::string_view("nixos"));
    return image;
}

TEST(VolumeLabels, ExtFileSystemsAreToldApartByTheirFeatures) {
    EXPECT_EQ(Probe(Ext(0x38, 0x2, 0x3)), Identity("ext2", "nixos", kUuid));
    EXPECT_EQ(Probe(Ext(0x3c, 0x6, 0x3)), Identity("ext3", "nixos", kUuid));
    EXPECT_EQ(Probe(Ext(0x3c, 0x2c2, 0x46b)), Identity("ext4", "nixos", kUuid));
    EXPECT_EQ(Probe(Ext(0x38, 0x2, 0x8)), Identity("ext4", "nixos", kUuid));
    EXPECT_FALSE(Probe(Ext(0, 0x8, 0)));  // an external journal
}

TEST(VolumeLabels, BtrfsIsFoundAt64KiB) {
    TestImage image(kMiB);
    image.Put(0x1'0020, kUuidBytes);
    image.Put(0x1'0040, std::string_view("_BHRfS_M"));
    image.Put(0x1'012b, std::string_view("btr label"));
    EXPECT_EQ(Probe(image), Identity("btrfs", "btr label", kUuid));
}

TEST(VolumeLabels, XfsHasTwelveLettersOfLabel) {
    TestImage image(kMiB);
    image.Put(0, std::string_view("XFSB"));
    image.Put(32, kUuidBytes);
    image.Put(108, std::string_view("twelveletter and what follows"));
    EXPECT_EQ(Probe(image), Identity("xfs", "twelveletter", kUuid));
}

TEST(VolumeLabels, SquashfsHasNoName) {
    TestImage image(kMiB);
    image.Put(0, std::string_view("hsqs"));
    EXPECT_EQ(Probe(image), Identity("squashfs", "", ""));
}

TEST(VolumeLabels, ErofsStoreDiskHasItsLabel) {
    TestImage image(kMiB);
    image.Put(1024, 0xe0f5'e1e2U);
    image.Put(1024 + 48, kUuidBytes);
    image.Put(1024 + 64, std::string_view("nix-store"));
    EXPECT_EQ(Probe(image), Identity("erofs", "nix-store", kUuid));
}

TEST(VolumeLabels, LuksHasAUuidAndVersion2ALabel) {
    TestImage image(kMiB);
    image.Put(0, std::string_view("LUKS\xba\xbe\0\1", 8));
    image.Put(24, std::string_view("cbc-essiv:sha256"));
    image.Put(168, kUuid);
    EXPECT_EQ(Probe(image), Identity("crypto_LUKS", "", kUuid));
    image.Put(7, std::uint8_t{2});
    image.Put(24, std::string_view("crypt\0", 6));
    EXPECT_EQ(Probe(image), Identity("crypto_LUKS", "crypt", kUuid));
    image.Put(7, std::uint8_t{3});
    EXPECT_FALSE(Probe(image));
}

TEST(VolumeLabels, VfatHasTheLabelOfItsRootAndAShortUuid) {
    testing::FatImage fat({.type = FatType::k32, .clusters = 100, .offset = 1U << 20});
    EXPECT_EQ(ProbeVolume(fat.image, fat.Partition()).value(), Identity("vfat", "", "1234-ABCD"));
    fat.AddShort(testing::FatImage::kRoot, "NIXOS BOOT ", 0x08, 0, 0);
    EXPECT_EQ(ProbeVolume(fat.image, fat.Partition()).value(), Identity("vfat", "NIXOS BOOT", "1234-ABCD"));
    fat.Link(2, 2);
    EXPECT_EQ(ProbeVolume(fat.image, fat.Partition()).value(), Identity("vfat", "", "1234-ABCD"));
}

TEST(VolumeLabels, IsoHasTheDateOfItsLastChangeElseOfItsMaking) {
    testing::IsoImage iso;
    iso.Finish(iso.AddDirectory({}));
    EXPECT_EQ(Probe(iso.image), Identity("iso9660", "nixos-minimal-24.05-x86_64", "2024-06-01-12-30-45-99"));
    iso.image.Put(16 * 2048 + 830, std::string_view("2025010203040500"));
    EXPECT_EQ(Probe(iso.image), Identity("iso9660", "nixos-minimal-24.05-x86_64", "2025-01-02-03-04-05-00"));
}

TEST(VolumeLabels, EncryptionCountsBeforeWhatItCovered) {
    TestImage image = Ext(0x3c, 0x2c2, 0x46b);
    image.Put(0, std::string_view("LUKS\xba\xbe\0\2", 8));
    EXPECT_EQ(Probe(image)->type, "crypto_LUKS");
}

TEST(VolumeLabels, HostileTextsAreMadePrintable) {
    TestImage image = Ext(0x3c, 0x2c2, 0x46b);
    image.Put(1024 + 0x78, std::string_view("\x1b[2J\xff ä\xc3 \0x", 13));
    EXPECT_EQ(Probe(image)->label, "?[2J? ä?");
}

TEST(VolumeLabels, EmptyUuidIsNone) {
    TestImage image = Ext(0x3c, 0x2c2, 0x46b);
    image.Put(1024 + 0x68, std::string(16, '\0'));
    EXPECT_EQ(Probe(image)->uuid, "");
}

TEST(VolumeLabels, UnknownAndTinyVolumesHaveNoIdentity) {
    EXPECT_FALSE(Probe(TestImage(kMiB)));
    EXPECT_FALSE(Probe(TestImage(0)));
    TestImage cut = Ext(0x3c, 0x2c2, 0x46b);
    cut.Resize(1024 + 0x60);
    EXPECT_FALSE(Probe(cut));
}

TEST(VolumeLabels, RangeOutsideOfTheImageIsAnError) {
    const TestImage image(kMiB);
    EXPECT_EQ(ProbeVolume(image, {kMiB, 1}).error().Message(), "the partition ends after the end of the image");
    EXPECT_FALSE(ProbeVolume(image, {1, ~0ULL}));
}

TEST(VolumeLabels, OnlySuperblocksAreRead) {
    const TestImage image = Ext(0x3c, 0x2c2, 0x46b);
    static_cast<void>(Probe(image));
    EXPECT_LE(image.BytesRead(), 72U * 1024);
}

}  // namespace
}  // namespace husk
