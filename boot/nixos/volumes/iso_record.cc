#include "boot/nixos/volumes/iso_record.h"

#include <array>

#include "vmm/base/bytes.h"

namespace husk {
namespace {

struct RawRecord {
    std::uint8_t length;
    std::uint8_t attribute_blocks;
    std::array<std::uint8_t, 4> block;  // little-endian
    std::array<std::uint8_t, 4> block_big;
    std::array<std::uint8_t, 4> data_length;
    std::array<std::uint8_t, 4> data_length_big;
    std::array<std::uint8_t, 7> date;
    std::uint8_t flags;
    std::uint8_t unit_size;
    std::uint8_t gap_size;
    std::array<std::uint8_t, 4> volume_number;
    std::uint8_t identifier_length;
};
constexpr std::size_t kIdentifier = 33;
static_assert(sizeof(RawRecord) == kIdentifier && offsetof(RawRecord, flags) == 25);

constexpr std::uint8_t kDirectory = 0x02;
constexpr std::uint8_t kAssociated = 0x04;
constexpr std::uint8_t kContinues = 0x80;

std::uint32_t Number(const std::array<std::uint8_t, 4>& bytes) {
    return static_cast<std::uint32_t>(LoadLittleEndian(std::as_bytes(std::span(bytes))));
}

}  // namespace

std::optional<IsoRecord> ParseIsoRecord(std::span<const std::byte> bytes) {
    const auto raw = LoadAt<RawRecord>(bytes, 0);
    if (!raw || raw->length < kMinIsoRecord || raw->length > bytes.size()) return std::nullopt;
    const std::size_t identifier_end = kIdentifier + raw->identifier_length;
    if (raw->identifier_length == 0 || identifier_end > raw->length) return std::nullopt;
    // The system use area begins at an even place.
    const std::size_t system_use = identifier_end + identifier_end % 2;
    return IsoRecord{.length = raw->length,
                     .block = Number(raw->block),
                     .attribute_blocks = raw->attribute_blocks,
                     .data_length = Number(raw->data_length),
                     .is_directory = (raw->flags & kDirectory) != 0,
                     .is_associated = (raw->flags & kAssociated) != 0,
                     .continues = (raw->flags & kContinues) != 0,
                     .is_interleaved = raw->unit_size != 0 || raw->gap_size != 0,
                     .identifier = {reinterpret_cast<const char*>(bytes.data()) + kIdentifier, raw->identifier_length},
                     .system_use = system_use < raw->length ? bytes.subspan(system_use, raw->length - system_use)
                                                            : std::span<const std::byte>()};
}

}  // namespace husk
