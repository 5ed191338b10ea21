// Partition tables: what Linux would see, and what is refused.
#include "boot/nixos/volumes/partitions.h"

#include <gtest/gtest.h>

#include "tests/support/partition_image.h"

namespace husk {
namespace {

using testing::GptImage;
using testing::kEspGuid;
using testing::kLinuxGuid;
using testing::kXbootldrGuid;
using testing::PutMbrEntry;
using testing::TestImage;

constexpr std::uint64_t kSector = 512;
constexpr std::uint64_t kMiB = 1ULL << 20;

const std::vector<Partition> kTwo = {{1, {2048 * kSector, 8192 * kSector}, PartitionKind::kEsp},
                                     {2, {10240 * kSector, 10240 * kSector}, PartitionKind::kOther}};

std::string Refusal(const ByteSource& source) { return ReadPartitions(source).error().Message(); }

TEST(Gpt, PartitionsComeWithKindAndPlaceInTheOrderOfTheTable) {
    GptImage gpt;
    gpt.partitions = {{kXbootldrGuid, 20480, 20487}, {}, {kEspGuid, 2048, 10239}, {kLinuxGuid, 10240, 10240}};
    const std::vector<Partition> expected = {{1, {20480 * kSector, 8 * kSector}, PartitionKind::kXbootldr},
                                             {3, {2048 * kSector, 8192 * kSector}, PartitionKind::kEsp},
                                             {4, {10240 * kSector, kSector}, PartitionKind::kOther}};
    EXPECT_EQ(ReadPartitions(gpt.Write().image).value(), expected);
}

TEST(Gpt, SectorsOf4096BytesAreFound) {
    GptImage gpt;
    gpt.sector_size = 4096;
    gpt.partitions = {{kEspGuid, 256, 511}};
    const std::vector<Partition> expected = {{1, {kMiB, kMiB}, PartitionKind::kEsp}};
    EXPECT_EQ(ReadPartitions(gpt.Write().image).value(), expected);
}

TEST(Gpt, LargerEntriesAreReadAtTheirOwnStride) {
    GptImage gpt;
    gpt.entry_size = 256;
    EXPECT_EQ(ReadPartitions(gpt.Write().image).value(), kTwo);
}

TEST(Gpt, BackupCountsWhenThePrimaryHeaderIsDamaged) {
    GptImage gpt;
    gpt.Write().image.Put(gpt.Primary() + 40, 0x55);
    EXPECT_EQ(ReadPartitions(gpt.image).value(), kTwo);
}

TEST(Gpt, BackupCountsWhenThePrimaryTableIsDamaged) {
    GptImage gpt;
    gpt.Write().image.Put(gpt.PrimaryEntries() + 32, 7);
    EXPECT_EQ(ReadPartitions(gpt.image).value(), kTwo);
}

TEST(Gpt, BackupOfAnEnlargedImageIsFoundWhereThePrimarySays) {
    GptImage gpt;
    gpt.Write().image.Put(gpt.PrimaryEntries() + 32, 7);
    gpt.image.Resize(100 * kMiB);
    EXPECT_EQ(ReadPartitions(gpt.image).value(), kTwo);
}

TEST(Gpt, BothTablesDamagedIsRefusedWithThePrimarysFault) {
    GptImage gpt;
    gpt.Write().image.Put(gpt.PrimaryEntries() + 32, 7);
    gpt.image.Put(gpt.Backup() + 40, 0x55);
    EXPECT_EQ(Refusal(gpt.image),
              "its partition table (GPT) is damaged, the backup too: its table's checksum is wrong; gdisk may be able "
              "to repair it");
}

TEST(Gpt, ProtectiveMbrWithoutAnyHeaderIsRefused) {
    TestImage image(kMiB);
    PutMbrEntry(image, 0, 0, 0xee, 1, 2047);
    EXPECT_EQ(
        Refusal(image),
        "its partition table (GPT) is damaged, the backup too: no header is where it should be; gdisk may be able "
        "to repair it");
}

TEST(Gpt, HeaderWithoutProtectiveMbrDoesNotCount) {
    GptImage gpt;
    PutMbrEntry(gpt.Write().image, 0, 0, 0x83, 2048, 2048);
    const std::vector<Partition> expected = {{1, {kMiB, kMiB}, PartitionKind::kOther}};
    EXPECT_EQ(ReadPartitions(gpt.image).value(), expected);
}

TEST(Gpt, HybridMbrDoesNotHideTheGpt) {
    GptImage gpt;
    gpt.Write();
    PutMbrEntry(gpt.image, 0, 1, 0xef, 2048, 8192);
    EXPECT_EQ(ReadPartitions(gpt.image).value(), kTwo);
}

TEST(Gpt, CheckedHeaderWithImpossibleFieldsIsRefused) {
    struct Field {
        std::uint64_t offset;
        std::uint32_t value;
        std::string_view fault;
    };
    for (const Field& field : {Field{24, 2, "its header is not where it says it is"},
                               Field{80, 0xffff'ffff, "it has more entries than husk reads (1024, 1 MiB)"},
                               Field{80, 1025, "it has more entries than husk reads (1024, 1 MiB)"},
                               Field{84, 0, "its entries have an impossible size"},
                               Field{84, 0xffff'ffff, "its entries have an impossible size"},
                               Field{84, 192, "its entries have an impossible size"},
                               Field{84, 0x8000'0000, "it has more entries than husk reads (1024, 1 MiB)"},
                               Field{76, 0xffff'ffff, "its table lies outside of the image"}}) {
        GptImage gpt;
        gpt.Write().image.Put(gpt.Backup(), std::uint64_t{0});
        gpt.image.Put(gpt.Primary() + field.offset, field.value);
        gpt.Seal(gpt.Primary());
        EXPECT_NE(Refusal(gpt.image).find(field.fault), std::string::npos) << Refusal(gpt.image);
    }
}

TEST(Gpt, HeaderSizeBeyondItsSectorIsRefused) {
    GptImage gpt;
    gpt.Write().image.Put(gpt.Backup(), std::uint64_t{0});
    gpt.image.Put(gpt.Primary() + 12, 0xffff'ffffU);
    EXPECT_NE(Refusal(gpt.image).find("its header has an impossible size"), std::string::npos);
}

TEST(Gpt, PartitionThatEndsBeforeItBeginsIsRefused) {
    GptImage gpt;
    gpt.partitions = {{kLinuxGuid, 4096, 4095}};
    EXPECT_EQ(Refusal(gpt.Write().image), "partition 1 ends before it begins: repair the partition table with gdisk");
    gpt.partitions = {{kLinuxGuid, 0, ~0ULL}};
    EXPECT_EQ(Refusal(gpt.Write().image), "partition 1 ends before it begins: repair the partition table with gdisk");
}

TEST(Gpt, OverlappingPartitionsAreRefusedByNumber) {
    GptImage gpt;
    gpt.partitions = {{kLinuxGuid, 10239, 20479}, {kEspGuid, 2048, 10239}};
    EXPECT_EQ(Refusal(gpt.Write().image), "partitions 2 and 1 overlap: repair the partition table (fdisk or gdisk)");
}

TEST(Gpt, PartitionAfterTheEndIsLeftOut) {
    GptImage gpt;
    gpt.partitions = {{kEspGuid, 2048, 10239}, {kLinuxGuid, 10240, 1ULL << 40}, {kLinuxGuid, 1ULL << 62, 1ULL << 63}};
    const std::vector<Partition> expected = {kTwo[0]};
    EXPECT_EQ(ReadPartitions(gpt.Write().image).value(), expected);
}

TEST(Gpt, BootPartitionAfterTheEndSaysThatTheImageWasCut) {
    GptImage gpt;
    gpt.Write().image.Resize(2 * kMiB);
    EXPECT_EQ(Refusal(gpt.image),
              "partition 1, a boot partition, ends after the end of the image: the image was cut, or it is not "
              "complete yet");
}

TEST(Gpt, ReadingTakesFewReads) {
    GptImage gpt;
    gpt.Write();
    const std::size_t before = gpt.image.Reads();
    static_cast<void>(ReadPartitions(gpt.image));
    EXPECT_EQ(gpt.image.Reads() - before, 3U);
}

TEST(Mbr, PrimaryAndLogicalPartitionsHaveLinuxNumbers) {
    TestImage image(100 * kMiB);
    PutMbrEntry(image, 0, 0, 0xef, 2048, 2048);
    PutMbrEntry(image, 0, 1, 0x05, 10000, 10000);
    PutMbrEntry(image, 0, 3, 0xea, 4096, 2048);
    PutMbrEntry(image, 10000, 0, 0x83, 63, 1000);
    PutMbrEntry(image, 10000, 1, 0x05, 5000, 2000);
    PutMbrEntry(image, 15000, 0, 0x83, 100, 1000);
    const std::vector<Partition> expected = {{1, {2048 * kSector, 2048 * kSector}, PartitionKind::kEsp},
                                             {4, {4096 * kSector, 2048 * kSector}, PartitionKind::kXbootldr},
                                             {5, {10063 * kSector, 1000 * kSector}, PartitionKind::kOther},
                                             {6, {15100 * kSector, 1000 * kSector}, PartitionKind::kOther}};
    EXPECT_EQ(ReadPartitions(image).value(), expected);
}

TEST(Mbr, ChainOfLogicalPartitionsThatRunsInACircleIsRefused) {
    TestImage image(100 * kMiB);
    PutMbrEntry(image, 0, 0, 0x0f, 10000, 10000);
    PutMbrEntry(image, 10000, 1, 0x05, 5000, 2000);
    PutMbrEntry(image, 15000, 1, 0x05, 5000, 2000);
    EXPECT_EQ(Refusal(image), "the chain of its logical partitions is damaged: repair it with fdisk");
    EXPECT_LE(image.Reads(), 125U);
}

TEST(Mbr, ChainThatLeavesTheExtendedPartitionIsRefused) {
    TestImage image(100 * kMiB);
    PutMbrEntry(image, 0, 0, 0x85, 10000, 10000);
    PutMbrEntry(image, 10000, 1, 0x05, 10000, 2000);
    EXPECT_EQ(Refusal(image), "the chain of its logical partitions is damaged: repair it with fdisk");
}

TEST(Mbr, IsohybridsOuterPartitionMayHoldTheEsp) {
    TestImage image(100 * kMiB);
    PutMbrEntry(image, 0, 0, 0x00, 0, 200000);
    PutMbrEntry(image, 0, 1, 0xef, 188, 8192);
    const std::vector<Partition> expected = {{1, {0, 200000 * kSector}, PartitionKind::kOther},
                                             {2, {188 * kSector, 8192 * kSector}, PartitionKind::kEsp}};
    EXPECT_EQ(ReadPartitions(image).value(), expected);
}

TEST(Mbr, OtherOverlapsAreRefused) {
    TestImage image(100 * kMiB);
    PutMbrEntry(image, 0, 0, 0x83, 63, 5000);
    PutMbrEntry(image, 0, 1, 0x83, 5062, 5000);
    EXPECT_EQ(Refusal(image), "partitions 1 and 2 overlap: repair the partition table (fdisk or gdisk)");
}

TEST(Mbr, PartitionOf32BitSizeAfterTheEndIsLeftOut) {
    TestImage image(100 * kMiB);
    PutMbrEntry(image, 0, 0, 0x83, 0xffff'ffff, 0xffff'ffff);
    PutMbrEntry(image, 0, 1, 0x83, 2048, 2048);
    const std::vector<Partition> expected = {{2, {kMiB, kMiB}, PartitionKind::kOther}};
    EXPECT_EQ(ReadPartitions(image).value(), expected);
}

TEST(Partitions, SourceWithoutTableIsOnePartition) {
    const TestImage image(kMiB);
    const std::vector<Partition> expected = {{0, {0, kMiB}, PartitionKind::kOther}};
    EXPECT_EQ(ReadPartitions(image).value(), expected);
    EXPECT_EQ(ReadPartitions(TestImage(100)).value().front().range.length, 100U);
}

TEST(Partitions, BootSectorWithCodeInPlaceOfATableIsABareFileSystem) {
    TestImage image(kMiB);
    PutMbrEntry(image, 0, 0, 0x83, 63, 100);
    image.Put(446 + 16, std::string_view("Press any key"));
    EXPECT_EQ(ReadPartitions(image).value().front().number, 0U);
}

TEST(Partitions, EmptyMbrIsABareFileSystem) {
    TestImage image(kMiB);
    image.Put(510, std::uint16_t{0xaa55});
    EXPECT_EQ(ReadPartitions(image).value().front().number, 0U);
}

TEST(Partitions, EmptySourceIsRefused) { EXPECT_EQ(Refusal(TestImage(0)), "it is empty"); }

}  // namespace
}  // namespace husk
