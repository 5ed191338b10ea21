// FAT file systems made to harm: every one ends in an error, soon.
#include <gtest/gtest.h>

#include "boot/nixos/volumes/fat.h"
#include "tests/support/fat_image.h"

namespace husk {
namespace {

using testing::FatImage;
using testing::FatShape;

constexpr std::uint32_t kRoot = FatImage::kRoot;
constexpr std::string_view kDamaged = "its FAT file system is damaged: ";

// What Find(path) says after "PATH: its FAT file system is damaged: ".
std::string Damage(const FatImage& fat, std::string_view path) {
    const auto volume = FatVolume::Open(fat.image, fat.Partition()).value();
    const std::string message = volume.Find(path).error().Message();
    const std::string start = std::string(path) + ": " + std::string(kDamaged);
    EXPECT_TRUE(message.starts_with(start)) << message;
    return message.substr(start.size());
}

std::string OpenError(const FatImage& fat) { return FatVolume::Open(fat.image, fat.Partition()).error().Message(); }

TEST(HostileFat, ChainThatRunsInACircleIsRefused) {
    FatImage fat;
    const std::uint32_t first = fat.AddFile(kRoot, "file", std::string(4 * 512, 'x'));
    fat.Link(first + 3, first + 1);
    EXPECT_EQ(Damage(fat, "/file"), "its chain of clusters is longer than it, or runs in a circle");
}

TEST(HostileFat, ChainThatIsLongerThanItsFileIsRefused) {
    FatImage fat;
    fat.AddEntry(kRoot, "file", FatImage::kArchive, fat.Allocate(3), 1024);
    EXPECT_EQ(Damage(fat, "/file"), "its chain of clusters is longer than it, or runs in a circle");
}

TEST(HostileFat, ChainThatMeetsAnotherFilesIsRefusedForItsLength) {
    FatImage fat;
    fat.AddFile(kRoot, "other", std::string(6 * 512, 'o'));
    const std::uint32_t first = fat.AddFile(kRoot, "file", std::string(3 * 512, 'x'));
    fat.Link(first, 3);
    EXPECT_EQ(Damage(fat, "/file"), "its chain of clusters is longer than it, or runs in a circle");
}

TEST(HostileFat, SizeThatTheChainDoesNotCoverIsRefused) {
    FatImage fat;
    fat.AddEntry(kRoot, "file", FatImage::kArchive, fat.Allocate(3), 3 * 512 + 1);
    EXPECT_EQ(Damage(fat, "/file"), "it is larger than its chain of clusters");
}

TEST(HostileFat, SizeOf32BitsIsRefusedWithoutAWalk) {
    FatImage fat;
    fat.AddEntry(kRoot, "file", FatImage::kArchive, fat.Allocate(3), 0xffff'ffff);
    const std::size_t before = fat.image.Reads();
    EXPECT_EQ(Damage(fat, "/file"), "it is larger than the file system that holds it");
    EXPECT_EQ(fat.image.Reads() - before, 2U);
}

class BadLinks : public ::testing::TestWithParam<std::pair<FatType, std::uint32_t>> {};

INSTANTIATE_TEST_SUITE_P(All, BadLinks,
                         ::testing::Values(std::pair{FatType::k12, 0U}, std::pair{FatType::k12, 1U},
                                           std::pair{FatType::k12, 0xff7U}, std::pair{FatType::k12, 0xff0U},
                                           std::pair{FatType::k16, 0U}, std::pair{FatType::k16, 0xfff7U},
                                           std::pair{FatType::k32, 1U}, std::pair{FatType::k32, 0x0fff'fff7U},
                                           std::pair{FatType::k32, 0x0fff'fff0U}));

TEST_P(BadLinks, LinkToNoClusterIsRefused) {
    const auto& [type, value] = GetParam();
    FatImage fat({.type = type, .clusters = type == FatType::k16 ? 5000U : 2000U});
    const std::uint32_t first = fat.AddFile(kRoot, "file", std::string(2 * 512, 'x'));
    fat.Link(first, value);
    EXPECT_EQ(Damage(fat, "/file"), "it leads to a cluster that is free, bad or does not exist");
}

TEST(HostileFat, DirectoryThatRunsInACircleIsRefused) {
    for (const FatShape& shape : {FatShape{.type = FatType::k12}, FatShape{.type = FatType::k32, .clusters = 100}}) {
        FatImage fat(shape);
        const std::uint32_t directory = fat.AddDirectory(kRoot, "d");
        for (std::uint32_t i = 0; i < 16; ++i) fat.AddShort(directory, "SAME    TXT", FatImage::kArchive, 0, 0);
        fat.Link(directory, directory);
        EXPECT_EQ(Damage(fat, "/d/file"),
                  "this directory is larger than FAT allows (2 MiB), or its chain of clusters runs in a circle");
    }
}

TEST(HostileFat, RootThatRunsInACircleIsRefused) {
    FatImage fat({.type = FatType::k32, .clusters = 100});
    fat.Link(2, 2);
    EXPECT_EQ(Damage(fat, "/file"),
              "this directory is larger than FAT allows (2 MiB), or its chain of clusters runs in a circle");
}

TEST(HostileFat, DirectoryThatContainsItselfEndsWithThePath) {
    FatImage fat;
    const std::uint32_t directory = fat.AddDirectory(kRoot, "d");
    fat.AddEntry(directory, "d", 0x10, directory, 0);
    fat.AddFile(directory, "file", "x");
    const auto volume = FatVolume::Open(fat.image, fat.Partition()).value();
    EXPECT_TRUE(volume.Find("/d/d/d/d/d/d/d/d/file").value());
}

TEST(HostileFat, HundredThousandEntriesAreRefusedUnread) {
    FatImage fat({.type = FatType::k32, .clusters = 70'000});
    const std::uint32_t directory = fat.AddDirectory(kRoot, "many");
    for (int i = 0; i < 100'000; ++i) fat.AddShort(directory, "SAME    TXT", FatImage::kArchive, 0, 0);
    const std::uint64_t before = fat.image.BytesRead();
    EXPECT_EQ(Damage(fat, "/many/file"),
              "this directory is larger than FAT allows (2 MiB), or its chain of clusters runs in a circle");
    EXPECT_LT(fat.image.BytesRead() - before, 1U << 20);
}

TEST(HostileFat, MoreThan4096FilesAreNotListedButFound) {
    FatImage fat({.type = FatType::k32, .clusters = 70'000});
    for (int i = 0; i < 4096; ++i) fat.AddShort(kRoot, "SAME    TXT", FatImage::kArchive, 0, 0);
    const auto volume = FatVolume::Open(fat.image, fat.Partition()).value();
    EXPECT_EQ(volume.List("/").value().size(), Volume::kMaxNames);
    fat.AddFile(kRoot, "last", "x");
    EXPECT_EQ(volume.List("/").error().Message(), "/: there are more than 4096 files in it");
    EXPECT_TRUE(volume.Find("/last").value());
}

TEST(HostileFat, LargeFileInSmallClustersTakesFewReads) {
    FatImage fat({.type = FatType::k32, .clusters = 300'000});
    fat.AddEntry(kRoot, "initrd", FatImage::kArchive, fat.Allocate(204'800), 100U << 20);
    const auto volume = FatVolume::Open(fat.image, fat.Partition()).value();
    const std::size_t before = fat.image.Reads();
    const FileExtents file = volume.Find("/initrd").value().value();
    EXPECT_EQ(file.ranges.size(), 1U);
    EXPECT_EQ(file.size, 100U << 20);
    EXPECT_LT(fat.image.Reads() - before, 20U);
}

TEST(HostileFat, FileInMorePiecesThanAnybodyMakesIsRefused) {
    FatImage fat({.type = FatType::k32, .clusters = 200'000});
    constexpr std::uint32_t kPieces = 65'537;
    for (std::uint32_t i = 0; i < kPieces; ++i) fat.Link(10 + 2 * i, 12 + 2 * i);
    fat.AddEntry(kRoot, "file", FatImage::kArchive, 10, kPieces * 512);
    const auto volume = FatVolume::Open(fat.image, fat.Partition()).value();
    EXPECT_EQ(volume.Find("/file").error().Message(),
              "/file: it is in more than 65536 pieces: its file system is damaged, or the file must be copied anew");
}

// Jumps to and fro over a table of 64 MiB, four times what is remembered of it, each time in another chunk.
TEST(HostileFat, ChainAllOverAVeryLargeTableIsRefusedAfterABoundedNumberOfReads) {
    constexpr std::uint32_t kChunkEntries = 16'384;
    constexpr std::uint32_t kChunks = 1024;
    constexpr std::uint32_t kJumps = 10'000;
    FatImage fat({.type = FatType::k32, .clusters = kChunks * kChunkEntries});
    const auto place = [](std::uint32_t i) { return i % kChunks * kChunkEntries + 100 + 2 * (i / kChunks); };
    for (std::uint32_t i = 0; i < kJumps; ++i) fat.Link(place(i), place(i + 1));
    fat.AddEntry(kRoot, "file", FatImage::kArchive, place(0), kJumps * 512);
    const auto volume = FatVolume::Open(fat.image, fat.Partition()).value();
    const std::size_t before = fat.image.Reads();
    EXPECT_EQ(volume.Find("/file").error().Message(),
              "/file: it is too scattered over a very large FAT file system: copy it anew");
    EXPECT_LT(fat.image.Reads() - before, 4200U);
}

TEST(HostileFat, ImpossibleBootSectorsAreRefused) {
    struct Field {
        std::uint64_t offset;
        std::uint16_t value;
        std::string_view fault;
    };
    for (const Field& field : {Field{14, 0xffff, "it has no room for files"}, Field{17, 0, "it has no root directory"},
                               Field{17, 0xffff, "it has no room for files"}, Field{22, 0, "it has no room for files"},
                               Field{22, 0xffff, "it has no room for files"}}) {
        FatImage fat;
        fat.image.Put(field.offset, field.value);
        fat.image.Put(36, 0xffff'ffffU);  // the size of the table, for FAT32
        EXPECT_EQ(OpenError(fat), std::string(kDamaged) + std::string(field.fault));
    }
}

TEST(HostileFat, MoreSectorsThanThePartitionHasAreRefused) {
    FatImage fat;
    fat.image.Put(32, 0xffff'ffffU);
    EXPECT_EQ(OpenError(fat),
              "its FAT file system is larger than its partition: the image was cut, or is not complete yet");
}

TEST(HostileFat, MoreClustersThanFat16HasAreRefused) {
    FatImage fat({.type = FatType::k16, .clusters = 65'525});
    EXPECT_EQ(OpenError(fat), std::string(kDamaged) + "it has more clusters than its type allows");
}

TEST(HostileFat, ClustersWithoutAnEntryInTheTableDoNotExist) {
    FatImage fat({.type = FatType::k32, .clusters = 1000});
    fat.AddEntry(kRoot, "file", FatImage::kArchive, 128, 1);
    fat.image.Put(36, 1U);  // one sector: 128 entries, clusters 2 to 127
    fat.image.Put(16, std::uint8_t{1});
    fat.image.Put(14, std::uint16_t{32 + 15});
    fat.image.Put((32 + 15) * 512 + 8, 0x0fff'ffffU);
    EXPECT_EQ(Damage(fat, "/file"), "it leads to a cluster that is free, bad or does not exist");
}

TEST(HostileFat, PartitionOutsideOfTheImageIsRefused) {
    FatImage fat;
    EXPECT_FALSE(FatVolume::Open(fat.image, {1, ~0ULL}));
    EXPECT_FALSE(FatVolume::Open(fat.image, {fat.image.Size() + 1, 0}));
}

}  // namespace
}  // namespace husk
