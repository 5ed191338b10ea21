// The GUID partition table: a header in the second sector and its table, both with a CRC; a copy of both at the end.
#include <array>
#include <bit>
#include <cstddef>
#include <cstring>
#include <string>
#include <utility>

#include "boot/nixos/volumes/crc32.h"
#include "boot/nixos/volumes/partition_table.h"
#include "vmm/base/bytes.h"

namespace husk {
namespace {

using Guid = std::array<std::uint8_t, 16>;  // as on the disk: the first three fields little-endian

constexpr Guid kEsp = {0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11,
                       0xba, 0x4b, 0x00, 0xa0, 0xc9, 0x3e, 0xc9, 0x3b};  // c12a7328-f81f-11d2-ba4b-00a0c93ec93b
constexpr Guid kXbootldr = {0xff, 0xc2, 0x13, 0xbc, 0xe6, 0x59, 0x62, 0x42,
                            0xa3, 0x52, 0xb2, 0x75, 0xfd, 0x6f, 0x71, 0x72};  // bc13c2ff-59e6-4262-a352-b275fd6f7172

struct GptHeader {
    std::array<char, 8> signature;
    std::uint32_t revision;
    std::uint32_t header_size;  // bytes, at least 92
    std::uint32_t header_crc;   // over header_size bytes, itself as zero
    std::uint32_t reserved;
    std::uint64_t my_lba;
    std::uint64_t alternate_lba;
    std::uint64_t first_usable;
    std::uint64_t last_usable;
    Guid disk;
    std::uint64_t entries_lba;
    std::uint32_t entry_count;
    std::uint32_t entry_size;  // 128 · 2^n bytes
    std::uint32_t entries_crc;
    std::uint32_t padding;  // not part of the header
};
constexpr std::size_t kHeaderSize = 92;
static_assert(sizeof(GptHeader) == 96 && offsetof(GptHeader, entries_lba) == 72 &&
              offsetof(GptHeader, padding) == kHeaderSize);

struct GptEntry {
    Guid type;  // all zero: unused
    Guid id;
    std::uint64_t first;  // sectors
    std::uint64_t last;   // inclusive
    std::uint64_t attributes;
    std::array<char16_t, 36> name;
};
static_assert(sizeof(GptEntry) == 128);

constexpr std::array<std::uint32_t, 2> kSectorSizes = {512, 4096};
constexpr std::uint32_t kMaxEntries = 1024;                  // 128 is usual
constexpr std::uint32_t kMaxTable = std::uint32_t{1} << 20;  // bytes
constexpr std::array kSignature = {'E', 'F', 'I', ' ', 'P', 'A', 'R', 'T'};

struct Header {
    GptHeader header;
    std::uint32_t sector_size;
};

// A fault of one header. `found`: its signature is there, so its fault is worth a sentence.
struct Fault {
    bool found;
    std::string what;
};

std::expected<Header, Fault> ReadHeader(const ByteSource& source, std::uint32_t sector_size, std::uint64_t lba) {
    const auto fault = [](bool found, const char* what) { return std::unexpected<Fault>(Fault{found, what}); };
    std::vector<std::byte> sector(sector_size);
    if (lba >= source.Size() / sector_size || !source.Read(lba * sector_size, sector)) return fault(false, "");
    const GptHeader header = LoadAt<GptHeader>(sector, 0).value();
    if (header.signature != kSignature) return fault(false, "");
    if (header.header_size < kHeaderSize || header.header_size > sector_size) {
        return fault(true, "its header has an impossible size");
    }
    StoreLittleEndian(std::span(sector).subspan(offsetof(GptHeader, header_crc), 4), 0);
    if (Crc32(std::span(sector).first(header.header_size)) != header.header_crc) {
        return fault(true, "its header's checksum is wrong");
    }
    if (header.my_lba != lba) return fault(true, "its header is not where it says it is");
    if (header.entry_size < sizeof(GptEntry) || !std::has_single_bit(header.entry_size)) {
        return fault(true, "its entries have an impossible size");
    }
    if (header.entry_count > kMaxEntries || std::uint64_t{header.entry_count} * header.entry_size > kMaxTable) {
        return fault(true, "it has more entries than husk reads (1024, 1 MiB)");
    }
    return Header{header, sector_size};
}

std::expected<std::vector<std::byte>, Fault> ReadEntries(const ByteSource& source, const Header& at) {
    std::vector<std::byte> table(std::size_t{at.header.entry_count} * at.header.entry_size);
    if (at.header.entries_lba > source.Size() / at.sector_size ||
        !source.Read(at.header.entries_lba * at.sector_size, table)) {
        return std::unexpected(Fault{true, "its table lies outside of the image"});
    }
    if (Crc32(table) != at.header.entries_crc) return std::unexpected(Fault{true, "its table's checksum is wrong"});
    return table;
}

Result<std::vector<Partition>> Interpret(const ByteSource& source, const Header& at,
                                         std::span<const std::byte> entries) {
    PartitionTable table(source.Size());
    for (std::uint32_t i = 0; i < at.header.entry_count; ++i) {
        const auto entry = LoadAt<GptEntry>(entries, std::size_t{i} * at.header.entry_size).value();
        if (entry.type == Guid{}) continue;
        if (entry.last < entry.first || entry.last - entry.first == ~std::uint64_t{0}) {
            return Fail(ErrorKind::kBootSource, "partition " + std::to_string(i + 1) +
                                                    " ends before it begins: repair the partition table with gdisk");
        }
        const PartitionKind kind = entry.type == kEsp        ? PartitionKind::kEsp
                                   : entry.type == kXbootldr ? PartitionKind::kXbootldr
                                                             : PartitionKind::kOther;
        HUSK_TRY(table.Add(i + 1, entry.first, entry.last - entry.first + 1, at.sector_size, kind));
    }
    return std::move(table).Take();
}

}  // namespace

Result<std::vector<Partition>> ReadGpt(const ByteSource& source) {
    std::string why;  // the first fault found: the primary's, if it has one
    const auto note = [&why](const Fault& fault) {
        if (fault.found && why.empty()) why = fault.what;
    };
    for (const std::uint32_t sector_size : kSectorSizes) {
        // The primary; the backup where the primary says it is, for an image that was enlarged; the backup at the end.
        std::vector<std::uint64_t> places = {1};
        if (const std::uint64_t sectors = source.Size() / sector_size; sectors > 2) places.push_back(sectors - 1);
        for (std::size_t i = 0; i < places.size(); ++i) {
            const auto header = ReadHeader(source, sector_size, places[i]);
            if (!header) {
                note(header.error());
                continue;
            }
            const auto entries = ReadEntries(source, *header);
            if (entries) return Interpret(source, *header, *entries);
            note(entries.error());
            if (i == 0) places.insert(places.begin() + 1, header->header.alternate_lba);
        }
    }
    if (why.empty()) why = "no header is where it should be";
    return Fail(ErrorKind::kBootSource,
                "its partition table (GPT) is damaged, the backup too: " + why + "; gdisk may be able to repair it");
}

}  // namespace husk
