// FAT file systems for tests: valid unless a test bends an entry of the table or of a directory.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "boot/nixos/volumes/fat_geometry.h"
#include "tests/support/test_image.h"

namespace husk::testing {

struct FatShape {
    FatType type = FatType::k12;
    std::uint32_t clusters = 1000;
    std::uint32_t cluster_sectors = 1;
    std::uint64_t offset = 0;  // of the partition, bytes
    std::uint16_t root_entries = 512;
    std::uint8_t fats = 2;
};

class FatImage {
 public:
    static constexpr std::uint32_t kRoot = 0;  // in the place of a directory's cluster
    static constexpr std::uint32_t kEnd = 0x0fff'ffff;
    static constexpr std::uint8_t kArchive = 0x20;

    explicit FatImage(FatShape shape = {})
        : image(0), shape_(shape), fat_sectors_((Bits() * (shape.clusters + 2ULL) + 4095) / 4096) {
        const bool is_fat32 = shape.type == FatType::k32;
        if (is_fat32) shape_.root_entries = 0;
        data_ = Fat(shape_.fats) + shape_.root_entries * 32ULL;
        image.Resize(data_ + std::uint64_t{shape_.clusters} * ClusterBytes());
        const std::uint64_t at = shape_.offset;
        const auto sectors = static_cast<std::uint32_t>((image.Size() - at) / 512);
        image.Put(at, std::string_view("\xeb\x3c\x90mkfs.fat"));
        image.Put(at + 11, std::uint16_t{512});
        image.Put(at + 13, static_cast<std::uint8_t>(shape_.cluster_sectors));
        image.Put(at + 14, kReserved);
        image.Put(at + 16, shape_.fats);
        image.Put(at + 17, shape_.root_entries);
        image.Put(at + 21, std::uint8_t{0xf8});
        image.Put(at + 22, static_cast<std::uint16_t>(is_fat32 ? 0 : fat_sectors_));
        image.Put(at + 32, sectors);
        image.Put(at + (is_fat32 ? 67 : 39), std::uint32_t{0x1234'abcd});
        image.Put(at + 510, std::uint16_t{0xaa55});
        Link(0, 0x0fff'fff8);
        Link(1, kEnd);
        if (!is_fat32) return;
        image.Put(at + 36, static_cast<std::uint32_t>(fat_sectors_));
        image.Put(at + 44, Allocate(1));
        root_ = 2;
        ends_[root_] = {root_, 0};
    }

    [[nodiscard]] ByteRange Partition() const { return {shape_.offset, image.Size() - shape_.offset}; }
    [[nodiscard]] std::uint32_t ClusterBytes() const { return shape_.cluster_sectors * 512; }
    [[nodiscard]] std::uint64_t OffsetOf(std::uint32_t cluster) const {
        return data_ + std::uint64_t{cluster - 2} * ClusterBytes();
    }
    [[nodiscard]] std::uint64_t Fat(unsigned index) const {
        return shape_.offset + (kReserved + index * fat_sectors_) * 512;
    }

    // The first cluster of a new file or directory; a file's clusters follow each other.
    std::uint32_t AddFile(std::uint32_t directory, std::string_view name, std::string_view content) {
        const auto clusters = static_cast<std::uint32_t>((content.size() + ClusterBytes() - 1) / ClusterBytes());
        const std::uint32_t first = clusters == 0 ? 0 : Allocate(clusters);
        if (clusters != 0) image.Put(OffsetOf(first), content);
        AddEntry(directory, name, kArchive, first, static_cast<std::uint32_t>(content.size()));
        return first;
    }
    std::uint32_t AddDirectory(std::uint32_t directory, std::string_view name) {
        const std::uint32_t first = Allocate(1);
        ends_[first] = {first, 0};
        AddEntry(directory, name, 0x10, first, 0);
        return first;
    }
    // A long name (ASCII), its checksum, and a short one.
    void AddEntry(std::uint32_t directory, std::string_view name, std::uint8_t attributes, std::uint32_t first,
                  std::uint32_t size) {
        std::string alias = std::to_string(++aliases_);
        alias = "ALIAS~" + std::string(11 - alias.size() - 6, '0') + alias;
        AddLongName(directory, std::u16string(name.begin(), name.end()), alias);
        AddShort(directory, alias, attributes, first, size);
    }
    void AddLongName(std::uint32_t directory, std::u16string_view name, std::string_view short_name) {
        std::uint8_t sum = 0;
        for (const char c : short_name) {
            sum = static_cast<std::uint8_t>((sum << 7 | sum >> 1) + static_cast<std::uint8_t>(c));
        }
        const std::size_t pieces = (name.size() + 12) / 13;
        for (std::size_t piece = pieces; piece > 0; --piece) {
            std::array<std::byte, 32> raw{};
            raw[0] = static_cast<std::byte>(piece | (piece == pieces ? 0x40U : 0));
            raw[11] = std::byte{0x0f};
            raw[13] = static_cast<std::byte>(sum);
            constexpr std::array<std::uint8_t, 13> kPlaces = {1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30};
            for (std::size_t i = 0; i < 13; ++i) {
                const std::size_t at = (piece - 1) * 13 + i;
                const char16_t unit = at < name.size() ? name[at] : at == name.size() ? u'\0' : u'\xffff';
                std::ranges::copy(BytesOf(unit), raw.begin() + kPlaces[i]);
            }
            AddRaw(directory, raw);
        }
    }
    // `name`: 11 letters, as the directory has them.
    void AddShort(std::uint32_t directory, std::string_view name, std::uint8_t attributes, std::uint32_t first,
                  std::uint32_t size, std::uint8_t case_bits = 0) {
        std::array<std::byte, 32> raw{};
        std::ranges::copy(std::as_bytes(std::span(name)), raw.begin());
        raw[11] = std::byte{attributes};
        raw[12] = std::byte{case_bits};
        StoreLittleEndian(std::span(raw).subspan(20, 2), first >> 16);
        StoreLittleEndian(std::span(raw).subspan(26, 2), first);
        StoreLittleEndian(std::span(raw).subspan(28, 4), size);
        AddRaw(directory, raw);
    }
    void AddRaw(std::uint32_t directory, std::span<const std::byte, 32> raw) {
        if (directory == kRoot && root_ == kRoot) {
            image.Put(Fat(shape_.fats) + 32ULL * root_used_++, raw);
            return;
        }
        auto& [cluster, used] = ends_.at(directory == kRoot ? root_ : directory);
        if (used == ClusterBytes()) {
            const std::uint32_t next = Allocate(1);
            Link(cluster, next);
            cluster = next;
            used = 0;
        }
        image.Put(OffsetOf(cluster) + used, raw);
        used += 32;
    }

    // Clusters one after the other, as one chain.
    std::uint32_t Allocate(std::uint32_t clusters) {
        const std::uint32_t first = free_;
        free_ += clusters;
        for (std::uint32_t i = first; i + 1 < free_; ++i) Link(i, i + 1);
        Link(free_ - 1, kEnd);
        return first;
    }
    void Link(std::uint32_t cluster, std::uint32_t to) {
        for (unsigned i = 0; i < shape_.fats; ++i) LinkIn(i, cluster, to);
    }
    void LinkIn(unsigned fat, std::uint32_t cluster, std::uint32_t to) {
        const std::uint64_t at = Fat(fat) + std::uint64_t{cluster} * Bits() / 8;
        if (shape_.type == FatType::k32) return image.Put(at, to);
        const std::uint32_t word = to & 0xffffU;
        if (shape_.type == FatType::k16) return image.Put(at, static_cast<std::uint16_t>(word));
        const auto old = static_cast<std::uint32_t>(LoadLittleEndian(image.Take(at, 2)));
        const bool odd = cluster % 2 != 0;
        image.Put(at, static_cast<std::uint16_t>(odd ? (old & 0xfU) | word << 4 : (old & 0xf000U) | (word & 0xfffU)));
    }

    TestImage image;

 private:
    static constexpr std::uint16_t kReserved = 32;  // sectors
    struct End {
        std::uint32_t cluster;
        std::uint32_t used;  // bytes of it
    };
    [[nodiscard]] std::uint64_t Bits() const {
        return shape_.type == FatType::k12 ? 12 : shape_.type == FatType::k16 ? 16 : 32;
    }

    FatShape shape_;
    std::uint64_t fat_sectors_;
    std::uint64_t data_ = 0;
    std::uint32_t free_ = 2;
    std::uint32_t root_ = kRoot;  // FAT32: its first cluster
    std::uint32_t root_used_ = 0;
    std::uint32_t aliases_ = 0;
    std::map<std::uint32_t, End> ends_;  // of directories, by their first cluster
};

}  // namespace husk::testing
