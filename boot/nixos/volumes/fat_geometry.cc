#include "boot/nixos/volumes/fat_geometry.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>

#include "boot/nixos/volumes/extents.h"
#include "vmm/base/bytes.h"

namespace husk {
namespace {

#pragma pack(push, 1)
struct FatBootSector {
    std::array<std::uint8_t, 3> jump;
    std::array<char, 8> oem_name;
    std::uint16_t sector_bytes;
    std::uint8_t cluster_sectors;
    std::uint16_t reserved_sectors;
    std::uint8_t fats;
    std::uint16_t root_entries;
    std::uint16_t sectors16;
    std::uint8_t media;
    std::uint16_t fat_sectors16;
    std::uint16_t track_sectors;
    std::uint16_t heads;
    std::uint32_t hidden_sectors;
    std::uint32_t sectors32;
    union {
        struct {
            std::array<std::uint8_t, 3> drive;
            std::uint32_t serial;
        } fat16;
        struct {
            std::uint32_t fat_sectors;
            std::uint16_t flags;  // bit 7: only the FAT of bits 0 to 3 is in use
            std::uint16_t version;
            std::uint32_t root_cluster;
            std::array<std::uint8_t, 16> other;
            std::array<std::uint8_t, 3> drive;
            std::uint32_t serial;
        } fat32;
    };
};
#pragma pack(pop)
static_assert(offsetof(FatBootSector, sectors32) == 32 && offsetof(FatBootSector, fat16.serial) == 39 &&
              offsetof(FatBootSector, fat32.root_cluster) == 44 && offsetof(FatBootSector, fat32.serial) == 67);

constexpr std::uint32_t kEntryBytes = 32;  // of a directory
constexpr std::uint32_t kMinFat16Clusters = 4085;
constexpr std::uint32_t kMinFat32Clusters = 65525;
constexpr std::uint32_t kMaxClusters = 0x0fff'fff5;  // FAT32's numbers end with 0x0ffffff6

// What tells a FAT file system from an MBR, NTFS, exFAT and boot code.
bool LooksLikeFat(const FatBootSector& sector) {
    const bool jumps = sector.jump[0] == 0xeb || sector.jump[0] == 0xe9;
    const bool media = sector.media == 0xf0 || sector.media >= 0xf8;
    return jumps && media && std::has_single_bit(sector.sector_bytes) && sector.sector_bytes >= 512 &&
           sector.sector_bytes <= 4096 && std::has_single_bit(sector.cluster_sectors) && sector.reserved_sectors != 0 &&
           sector.fats != 0;
}

std::unexpected<Error> Damaged(const char* what) {
    return Fail(ErrorKind::kBootSource, std::string("its FAT file system is damaged: ") + what);
}

// All in sectors; no sum of these 32-bit values times 255 at most leaves 64 bits.
Result<FatGeometry> Measure(const FatBootSector& sector, const ByteRange& partition) {
    const std::uint64_t bytes = sector.sector_bytes;
    const bool is_fat32 = sector.fat_sectors16 == 0;
    const std::uint64_t total = sector.sectors16 != 0 ? sector.sectors16 : sector.sectors32;
    const std::uint64_t fat = is_fat32 ? sector.fat32.fat_sectors : sector.fat_sectors16;
    const std::uint64_t root = (std::uint64_t{sector.root_entries} * kEntryBytes + bytes - 1) / bytes;
    const std::uint64_t before_root = sector.reserved_sectors + sector.fats * fat;
    const std::uint64_t before_data = before_root + root;
    if (total > partition.length / bytes) {
        return Fail(ErrorKind::kBootSource,
                    "its FAT file system is larger than its partition: the image was cut, or is not complete yet");
    }
    if (before_data >= total) return Damaged("it has no room for files");
    if (is_fat32 && root != 0) return Damaged("its root directory is of FAT16, the rest of FAT32");
    if (!is_fat32 && root == 0) return Damaged("it has no root directory");

    const std::uint64_t clusters = (total - before_data) / sector.cluster_sectors;
    if (clusters > kMaxClusters || (!is_fat32 && clusters >= kMinFat32Clusters)) {
        return Damaged("it has more clusters than its type allows");
    }
    FatGeometry geometry;
    geometry.type = is_fat32 ? FatType::k32 : clusters < kMinFat16Clusters ? FatType::k12 : FatType::k16;
    geometry.cluster_bytes = static_cast<std::uint32_t>(bytes * sector.cluster_sectors);
    const std::uint64_t entry_bits = is_fat32 ? 32 : geometry.type == FatType::k16 ? 16 : 12;
    const std::uint64_t entries = fat * bytes * 8 / entry_bits;
    if (entries <= 2) return Damaged("its file allocation table is empty");
    geometry.clusters = static_cast<std::uint32_t>(std::min(clusters, entries - 2));

    std::uint64_t active = 0;
    if (is_fat32 && (sector.fat32.flags & 0x80U) != 0) active = sector.fat32.flags & 0xfU;
    if (active >= sector.fats) return Damaged("the file allocation table in use is none that it has");
    geometry.table = {partition.offset + (sector.reserved_sectors + active * fat) * bytes, fat * bytes};
    geometry.fixed_root = {partition.offset + before_root * bytes, std::uint64_t{sector.root_entries} * kEntryBytes};
    geometry.root = is_fat32 ? Cluster{sector.fat32.root_cluster} : Cluster{};
    geometry.data = partition.offset + before_data * bytes;
    geometry.serial = is_fat32 ? sector.fat32.serial : sector.fat16.serial;
    return geometry;
}

}  // namespace

Result<std::optional<FatGeometry>> ReadFatGeometry(const ByteSource& source, const ByteRange& partition) {
    constexpr std::size_t kSector = 512;
    if (!IsWithin(partition, source.Size())) {
        return Fail(ErrorKind::kBootSource, "the partition ends after the end of the image");
    }
    if (partition.length < kSector) return std::nullopt;
    std::array<std::byte, kSector> bytes;
    HUSK_TRY(source.Read(partition.offset, bytes));
    const auto sector = LoadAt<FatBootSector>(bytes, 0).value();
    if (LoadAt<std::uint16_t>(bytes, kSector - 2) != 0xaa55 || !LooksLikeFat(sector)) return std::nullopt;
    return HUSK_TRY(Measure(sector, partition));
}

}  // namespace husk
