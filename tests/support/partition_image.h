// Partition tables for tests: valid unless a test bends a field.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "boot/nixos/volumes/crc32.h"
#include "tests/support/test_image.h"

namespace husk::testing {

using Guid = std::array<std::uint8_t, 16>;

// "c12a7328-f81f-11d2-ba4b-00a0c93ec93b", as a disk has it.
inline Guid GuidOf(std::string_view text) {
    const auto digit = [](char c) { return static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10); };
    constexpr std::array kPlaces = {6, 4, 2, 0, 11, 9, 16, 14, 19, 21, 24, 26, 28, 30, 32, 34};
    Guid guid;
    for (std::size_t i = 0; i < guid.size(); ++i) {
        const auto place = static_cast<std::size_t>(kPlaces[i]);
        guid[i] = static_cast<std::uint8_t>(digit(text[place]) << 4 | digit(text[place + 1]));
    }
    return guid;
}
inline const Guid kEspGuid = GuidOf("c12a7328-f81f-11d2-ba4b-00a0c93ec93b");
inline const Guid kXbootldrGuid = GuidOf("bc13c2ff-59e6-4262-a352-b275fd6f7172");
inline const Guid kLinuxGuid = GuidOf("0fc63daf-8483-4772-8e79-3d69d8477de4");

inline void PutMbrEntry(TestImage& image, std::uint64_t sector, unsigned index, std::uint8_t type, std::uint32_t first,
                        std::uint32_t sectors) {
    const std::uint64_t at = sector * 512 + 446 + index * 16ULL;
    image.Put(at + 4, type);
    image.Put(at + 8, first);
    image.Put(at + 12, sectors);
    image.Put(sector * 512 + 510, std::uint16_t{0xaa55});
}

struct GptPartition {
    Guid type;
    std::uint64_t first;  // sectors
    std::uint64_t last;
};

struct GptImage {
    TestImage image{64ULL << 20};
    std::uint32_t sector_size = 512;
    std::uint32_t entry_count = 128;
    std::uint32_t entry_size = 128;
    std::vector<GptPartition> partitions = {{kEspGuid, 2048, 10239}, {kLinuxGuid, 10240, 20479}};

    [[nodiscard]] std::uint64_t LastSector() const { return image.Size() / sector_size - 1; }
    [[nodiscard]] std::uint64_t Primary() const { return sector_size; }                    // bytes
    [[nodiscard]] std::uint64_t PrimaryEntries() const { return 2ULL * sector_size; }      // bytes
    [[nodiscard]] std::uint64_t Backup() const { return LastSector() * sector_size; }      // bytes
    [[nodiscard]] std::uint64_t BackupEntries() const { return Backup() - 64ULL * 1024; }  // bytes

    // The protective MBR, both headers, both tables.
    GptImage& Write() {
        PutMbrEntry(image, 0, 0, 0xee, 1, static_cast<std::uint32_t>(LastSector()));
        for (const std::uint64_t table : {PrimaryEntries(), BackupEntries()}) {
            for (std::size_t i = 0; i < partitions.size(); ++i) {
                const std::uint64_t at = table + i * entry_size;
                image.Put(at, std::as_bytes(std::span(partitions[i].type)));
                image.Put(at + 32, partitions[i].first);
                image.Put(at + 40, partitions[i].last);
            }
        }
        WriteHeader(Primary(), Backup(), PrimaryEntries());
        WriteHeader(Backup(), Primary(), BackupEntries());
        return *this;
    }
    // After a change of a header's fields.
    void Seal(std::uint64_t header) {
        image.Put(header + 16, std::uint32_t{0});
        image.Put(header + 16, Crc32(image.Take(header, 92)));
    }

 private:
    void WriteHeader(std::uint64_t at, std::uint64_t other, std::uint64_t entries) {
        image.Put(at, "EFI PART");
        image.Put(at + 8, std::uint32_t{0x1'0000});
        image.Put(at + 12, std::uint32_t{92});
        image.Put(at + 24, at / sector_size);
        image.Put(at + 32, other / sector_size);
        image.Put(at + 72, entries / sector_size);
        image.Put(at + 80, entry_count);
        image.Put(at + 84, entry_size);
        image.Put(at + 88, Crc32(image.Take(entries, std::uint64_t{entry_count} * entry_size)));
        Seal(at);
    }
};

}  // namespace husk::testing
