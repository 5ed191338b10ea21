#include "boot/nixos/volumes/iso_descriptor.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "boot/nixos/volumes/extents.h"
#include "boot/nixos/volumes/iso_record.h"
#include "boot/nixos/volumes/names.h"
#include "vmm/base/bytes.h"

namespace husk {
namespace {

constexpr std::uint64_t kFirstDescriptor = 16;  // sectors
constexpr std::uint64_t kMaxDescriptors = 32;   // a volume has about four
constexpr std::uint8_t kPrimary = 1;
constexpr std::uint8_t kTerminator = 255;

// Offsets within the descriptor; numbers are little-endian first, then the same in big-endian.
constexpr std::size_t kIdentifier = 1;
constexpr std::size_t kVolumeName = 40;
constexpr std::size_t kVolumeBlocks = 80;
constexpr std::size_t kBlockBytes = 128;
constexpr std::size_t kRootRecord = 156;
constexpr std::size_t kCreated = 813;
constexpr std::size_t kModified = 830;
constexpr std::size_t kDateDigits = 16;

using Sector = std::array<std::byte, kIsoSector>;

std::string_view TextAt(const Sector& sector, std::size_t offset, std::size_t length) {
    return {reinterpret_cast<const char*>(sector.data()) + offset, length};
}

// The digits YYYYMMDDhhmmsscc with '-' after the year and after every other two; empty when it is not set.
std::string DateAt(const Sector& sector, std::size_t offset) {
    const std::string_view digits = TextAt(sector, offset, kDateDigits);
    const bool is_date = std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; });
    if (!is_date || digits.find_first_not_of('0') == std::string_view::npos) return {};
    std::string date(digits.substr(0, 4));
    for (std::size_t i = 4; i < kDateDigits; i += 2) date.append("-").append(digits.substr(i, 2));
    return date;
}

Result<IsoDescriptor> Parse(const Sector& sector) {
    const std::uint32_t block = *LoadAt<std::uint16_t>(sector, kBlockBytes);
    if (block != 512 && block != 1024 && block != 2048) {
        return Fail(ErrorKind::kBootSource, "its ISO 9660 file system is damaged: its blocks have an impossible size");
    }
    const auto root = ParseIsoRecord(std::span(sector).subspan(kRootRecord, kMinIsoRecord));
    if (!root || !root->is_directory) {
        return Fail(ErrorKind::kBootSource, "its ISO 9660 file system is damaged: it has no root directory");
    }
    std::string date = DateAt(sector, kModified);
    if (date.empty()) date = DateAt(sector, kCreated);
    return IsoDescriptor{.label = PrintableText(std::span(sector).subspan(kVolumeName, 32)),
                         .date = std::move(date),
                         .block_bytes = block,
                         .size = std::uint64_t{*LoadAt<std::uint32_t>(sector, kVolumeBlocks)} * block,
                         .root = root->RangeWith(block)};
}

}  // namespace

Result<std::optional<IsoDescriptor>> ReadIsoDescriptor(const ByteSource& source, const ByteRange& volume) {
    for (std::uint64_t i = kFirstDescriptor; i < kFirstDescriptor + kMaxDescriptors; ++i) {
        const ByteRange at{i * kIsoSector, kIsoSector};
        if (!IsWithin(at, volume.length)) break;
        Sector sector;
        HUSK_TRY(source.Read(volume.offset + at.offset, sector));
        if (TextAt(sector, kIdentifier, 5) != "CD001") break;
        const auto type = std::to_integer<std::uint8_t>(sector[0]);
        if (type == kTerminator) break;
        if (type == kPrimary) return HUSK_TRY(Parse(sector));
    }
    return std::nullopt;
}

}  // namespace husk
