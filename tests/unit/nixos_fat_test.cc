// FAT file systems of all three types: files are found where they are.
#include "boot/nixos/volumes/fat.h"

#include <gtest/gtest.h>

#include "tests/support/fat_image.h"

namespace husk {
namespace {

using testing::FatImage;
using testing::FatShape;

constexpr std::uint32_t kRoot = FatImage::kRoot;

FatVolume Open(const FatImage& fat) { return FatVolume::Open(fat.image, fat.Partition()).value(); }

std::string ContentOf(const FatImage& fat, std::string_view path) {
    const FileExtents file = Open(fat).Find(path).value().value();
    std::string content(file.size, '\0');
    RangesSource(fat.image, file.ranges).Read(0, std::as_writable_bytes(std::span(content))).value();
    return content;
}

class FatTypes : public ::testing::TestWithParam<FatShape> {};

INSTANTIATE_TEST_SUITE_P(All, FatTypes,
                         ::testing::Values(FatShape{.type = FatType::k12, .clusters = 20},
                                           FatShape{.type = FatType::k12, .clusters = 4084},
                                           FatShape{.type = FatType::k16, .clusters = 4085},
                                           FatShape{.type = FatType::k16, .clusters = 65524, .cluster_sectors = 8},
                                           FatShape{.type = FatType::k32, .clusters = 65525, .offset = 1U << 20},
                                           FatShape{.type = FatType::k32, .clusters = 100, .cluster_sectors = 2}));

TEST_P(FatTypes, RootIsListedAndFilesAreFound) {
    FatImage fat(GetParam());
    const std::string content(3 * fat.ClusterBytes() + 7, 'k');
    const std::uint32_t loader = fat.AddDirectory(kRoot, "loader");
    fat.AddFile(loader, "loader.conf", "timeout 5\n");
    const std::uint32_t kernel = fat.AddFile(kRoot, "kernel.efi", content);
    EXPECT_EQ(Open(fat).List("/").value(), std::vector<std::string>{"kernel.efi"});
    EXPECT_EQ(ContentOf(fat, "/loader/loader.conf"), "timeout 5\n");
    EXPECT_EQ(ContentOf(fat, "/kernel.efi"), content);
    const std::vector<ByteRange> expected = {{fat.OffsetOf(kernel), content.size()}};
    EXPECT_EQ(Open(fat).Find("/kernel.efi").value()->ranges, expected);
}

TEST_P(FatTypes, LastClusterCanBeUsed) {
    FatImage fat(GetParam());
    const std::uint32_t last = GetParam().clusters + 1;
    fat.AddEntry(kRoot, "last", FatImage::kArchive, last, 1);
    fat.Link(last, FatImage::kEnd);
    const std::vector<ByteRange> expected = {{fat.OffsetOf(last), 1}};
    EXPECT_EQ(Open(fat).Find("/last").value()->ranges, expected);
}

TEST_P(FatTypes, ClusterAfterTheLastIsRefused) {
    FatImage fat(GetParam());
    fat.AddEntry(kRoot, "after", FatImage::kArchive, GetParam().clusters + 2, 1);
    EXPECT_EQ(Open(fat).Find("/after").error().Message(),
              "/after: its FAT file system is damaged: it leads to a cluster that is free, bad or does not exist");
}

TEST(FatVolume, NamesAreFoundInAnyCaseAndByBothNames) {
    FatImage fat;
    const std::uint32_t directory = fat.AddDirectory(fat.AddDirectory(kRoot, "EFI"), "nixos");
    fat.AddFile(directory, "abcdef-linux-6.6.32-bzImage.efi", "kernel");
    EXPECT_EQ(ContentOf(fat, "/efi/NIXOS/ABCDEF-linux-6.6.32-bzimage.EFI"), "kernel");
    EXPECT_EQ(ContentOf(fat, "//efi/.//nixos/alias~00.003"), "kernel");
}

TEST(FatVolume, ShortNamesHaveTheCaseOfTheirBits) {
    FatImage fat;
    fat.AddShort(kRoot, "LOADER  CON", FatImage::kArchive, 0, 0, 0x18);
    fat.AddShort(kRoot, "BZIMAGE    ", FatImage::kArchive, 0, 0, 0x08);
    fat.AddShort(kRoot, "KERNEL  EFI", FatImage::kArchive, 0, 0, 0x10);
    fat.AddShort(kRoot, "\x05NE     TXT", FatImage::kArchive, 0, 0);
    const std::vector<std::string> expected = {"loader.con", "bzimage", "KERNEL.efi", "?NE.TXT"};
    EXPECT_EQ(Open(fat).List("/").value(), expected);
}

TEST(FatVolume, LongNamesAreUtf8) {
    FatImage fat;
    fat.AddLongName(kRoot, u"Größe 漢字 😀 \xd800.conf", "GROESS~1CON");
    fat.AddShort(kRoot, "GROESS~1CON", FatImage::kArchive, 0, 0);
    EXPECT_EQ(Open(fat).List("/").value(), std::vector<std::string>{"Größe 漢字 😀 \ufffd.conf"});
    EXPECT_TRUE(Open(fat).Find("/Größe 漢字 😀 \ufffd.conf").value().has_value());
}

TEST(FatVolume, LongNameOf255LettersIsTheLongest) {
    FatImage fat;
    fat.AddLongName(kRoot, std::u16string(255, u'n'), "LONGES~1   ");
    fat.AddShort(kRoot, "LONGES~1   ", FatImage::kArchive, 0, 0);
    fat.AddLongName(kRoot, std::u16string(256, u'n'), "TOOLON~1   ");
    fat.AddShort(kRoot, "TOOLON~1   ", FatImage::kArchive, 0, 0);
    const std::vector<std::string> expected = {std::string(255, 'n'), "TOOLON~1"};
    EXPECT_EQ(Open(fat).List("/").value(), expected);
}

TEST(FatVolume, LongNameOfAnotherFileDoesNotCount) {
    FatImage fat;
    fat.AddLongName(kRoot, u"a name of two pieces", "OTHER   TXT");
    fat.AddShort(kRoot, "MINE    TXT", FatImage::kArchive, 0, 0);
    EXPECT_EQ(Open(fat).List("/").value(), std::vector<std::string>{"MINE.TXT"});
}

TEST(FatVolume, LongNameWithAMissingPieceDoesNotCount) {
    FatImage fat;
    fat.AddLongName(kRoot, u"a name of two pieces", "MINE    TXT");
    fat.AddShort(kRoot, "MINE    TXT", FatImage::kArchive, 0, 0);
    fat.image.Put(fat.Fat(2) + 32, std::uint8_t{0xe5});
    EXPECT_EQ(Open(fat).List("/").value(), std::vector<std::string>{"MINE.TXT"});
}

TEST(FatVolume, NamesThatNoPathCanHaveAreNotThere) {
    FatImage fat;
    const std::uint32_t other = fat.AddDirectory(kRoot, "a");
    fat.AddFile(other, "b", "other");
    fat.AddFile(kRoot, "a/b", "hidden");
    fat.AddFile(kRoot, "..", "parent");
    fat.AddFile(kRoot, "esc\x1b[2J", "terminal");
    EXPECT_TRUE(Open(fat).List("/").value().empty());
    EXPECT_EQ(ContentOf(fat, "/a/b"), "other");
}

TEST(FatVolume, DeletedFilesAndLabelsAreNotThere) {
    FatImage fat;
    fat.AddShort(kRoot, "NIXOS BOOT ", 0x08, 0, 0);
    fat.AddShort(kRoot, "\xe5ONE    TXT", FatImage::kArchive, 0, 0);
    EXPECT_TRUE(Open(fat).List("/").value().empty());
    EXPECT_EQ(Open(fat).Label().value(), "NIXOS BOOT");
}

TEST(FatVolume, NothingIsReadAfterTheLastEntry) {
    FatImage fat;
    fat.AddRaw(kRoot, std::array<std::byte, 32>{});
    fat.AddFile(kRoot, "old.conf", "left behind");
    EXPECT_TRUE(Open(fat).List("/").value().empty());
}

TEST(FatVolume, MissingPathsAndDirectoriesAreNoFiles) {
    FatImage fat;
    fat.AddDirectory(kRoot, "loader");
    fat.AddFile(kRoot, "file", "x");
    const FatVolume volume = Open(fat);
    EXPECT_FALSE(volume.Find("/none").value());
    EXPECT_FALSE(volume.Find("/loader").value());
    EXPECT_FALSE(volume.Find("/").value());
    EXPECT_FALSE(volume.Find("/file/below").value());
    EXPECT_TRUE(volume.List("/none").value().empty());
    EXPECT_TRUE(volume.List("/file").value().empty());
}

TEST(FatVolume, ParentsAndRelativePathsAreRefused) {
    FatImage fat;
    EXPECT_EQ(Open(fat).Find("/loader/../x").error().Message(), "/loader/../x: a path must not contain '..'");
    EXPECT_EQ(Open(fat).List("loader").error().Message(), "loader: a path must start with '/'");
    EXPECT_FALSE(Open(fat).Find("/" + std::string(5000, 'x')));
    std::string deep;
    for (int i = 0; i < 33; ++i) deep += "/d";
    EXPECT_EQ(Open(fat).Find(deep).error().Message(), deep + ": a path has too many directories");
}

TEST(FatVolume, EmptyFileHasNoRangesWhateverItsCluster) {
    FatImage fat;
    fat.AddEntry(kRoot, "empty", FatImage::kArchive, 0xffff, 0);
    const FileExtents file = Open(fat).Find("/empty").value().value();
    EXPECT_TRUE(file.ranges.empty());
    EXPECT_EQ(file.size, 0U);
}

TEST(FatVolume, ScatteredClustersBecomeRangesInOrder) {
    FatImage fat;
    for (const auto& [from, to] : {std::pair{10U, 11U}, {11U, 5U}, {5U, 20U}, {20U, FatImage::kEnd}})
        fat.Link(from, to);
    fat.AddEntry(kRoot, "scattered", FatImage::kArchive, 10, 4 * 512 - 12);
    const std::vector<ByteRange> expected = {{fat.OffsetOf(10), 1024}, {fat.OffsetOf(5), 512}, {fat.OffsetOf(20), 500}};
    EXPECT_EQ(Open(fat).Find("/scattered").value()->ranges, expected);
}

TEST(FatVolume, FileTableInUseIsTheOneThatTheVolumeNames) {
    FatImage fat({.type = FatType::k32, .clusters = 100});
    fat.AddFile(kRoot, "file", "x");
    fat.LinkIn(0, 3, 0);
    fat.LinkIn(0, 2, 0);
    fat.image.Put(40, std::uint16_t{0x81});
    EXPECT_EQ(ContentOf(fat, "/file"), "x");
    fat.image.Put(40, std::uint16_t{0x82});
    EXPECT_FALSE(FatVolume::Open(fat.image, fat.Partition()));
}

TEST(FatVolume, OtherThingsAreNoFat) {
    FatImage fat;
    EXPECT_TRUE(FatVolume::IsFat(fat.image, fat.Partition()));
    fat.image.Put(510, std::uint16_t{0});
    EXPECT_FALSE(FatVolume::IsFat(fat.image, fat.Partition()));
    EXPECT_FALSE(FatVolume::IsFat(fat.image, {0, 100}));
    EXPECT_EQ(FatVolume::Open(fat.image, fat.Partition()).error().Message(), "it holds no FAT file system");
}

}  // namespace
}  // namespace husk
