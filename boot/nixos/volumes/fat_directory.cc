#include "boot/nixos/volumes/fat_directory.h"

#include <algorithm>
#include <array>

#include "boot/nixos/volumes/names.h"
#include "vmm/base/bytes.h"

namespace husk {
namespace {

struct ShortEntry {
    std::array<std::uint8_t, 11> name;  // 8 and 3, filled up with spaces
    std::uint8_t attributes;
    std::uint8_t case_bits;  // 0x08: the first 8 are lower-case, 0x10: the last 3
    std::uint8_t created_tenths;
    std::uint16_t created_time;
    std::uint16_t created_date;
    std::uint16_t accessed_date;
    std::uint16_t first_high;
    std::uint16_t written_time;
    std::uint16_t written_date;
    std::uint16_t first_low;
    std::uint32_t size;
};
static_assert(sizeof(ShortEntry) == 32 && offsetof(ShortEntry, first_high) == 20 && offsetof(ShortEntry, size) == 28);

constexpr std::uint8_t kUnused = 0x00;  // and so are all after it
constexpr std::uint8_t kDeleted = 0xe5;
constexpr std::uint8_t kVolumeLabel = 0x08;
constexpr std::uint8_t kDirectory = 0x10;
constexpr std::uint8_t kLongName = 0x0f;
constexpr std::uint8_t kLongNameMask = 0x3f;

bool IsLongName(const ShortEntry& entry) { return (entry.attributes & kLongNameMask) == kLongName; }

std::uint8_t ChecksumOf(const ShortEntry& entry) {
    std::uint8_t sum = 0;
    for (const std::uint8_t c : entry.name) sum = static_cast<std::uint8_t>((sum << 7 | sum >> 1) + c);
    return sum;
}

std::string ShortNameOf(const ShortEntry& entry) {
    const auto part = [&entry](std::size_t from, std::size_t length, bool lower) {
        std::string text;
        for (std::size_t i = from; i < from + length; ++i) {
            const std::uint8_t c = entry.name[i];
            const bool letter = c >= 'A' && c <= 'Z';
            text.push_back(c >= 0x7f || c < 0x20 ? '?' : static_cast<char>(lower && letter ? c - 'A' + 'a' : c));
        }
        return text.substr(0, text.find_last_not_of(' ') + 1);
    };
    const std::string base = part(0, 8, (entry.case_bits & 0x08U) != 0);
    const std::string extension = part(8, 3, (entry.case_bits & 0x10U) != 0);
    return extension.empty() ? base : base + "." + extension;
}

// Puts a long name together from its pieces, which come last piece first.
class LongName {
 public:
    void Add(std::span<const std::byte, sizeof(ShortEntry)> piece) {
        const auto order = std::to_integer<std::uint8_t>(piece[0]);
        const auto checksum = std::to_integer<std::uint8_t>(piece[13]);
        const std::size_t index = order & 0x3fU;
        if ((order & 0x40U) != 0) {
            missing_ = index;
            checksum_ = checksum;
            units_.assign(index * kUnits, 0);
        } else if (index + 1 != missing_ || checksum != checksum_) {
            missing_ = 0;
        } else {
            missing_ = index;
        }
        if (missing_ == 0 || missing_ > kMaxPieces) return Drop();
        constexpr std::array<std::uint8_t, kUnits> kPlaces = {1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30};
        for (std::size_t i = 0; i < kUnits; ++i) {
            units_[(missing_ - 1) * kUnits + i] = *LoadAt<char16_t>(piece, kPlaces[i]);
        }
    }
    // The name that belongs to `entry`, or nothing.
    [[nodiscard]] std::optional<std::string> For(const ShortEntry& entry) const {
        if (missing_ != 1 || checksum_ != ChecksumOf(entry)) return std::nullopt;
        const std::u16string_view units(units_);
        const std::u16string_view name = units.substr(0, units.find(u'\0'));
        if (name.empty() || name.size() > kMaxUnits) return std::nullopt;
        return Utf8FromUtf16(name);
    }
    void Drop() { missing_ = kNone; }

 private:
    static constexpr std::size_t kUnits = 13;  // in a piece
    static constexpr std::size_t kMaxPieces = 20;
    static constexpr std::size_t kMaxUnits = 255;
    static constexpr std::size_t kNone = 0xff;

    std::size_t missing_ = kNone;  // the number of the piece that came last; 1: all are there
    std::uint8_t checksum_ = 0;
    std::u16string units_;
};

}  // namespace

bool FatEntry::IsCalled(std::string_view wanted) const {
    return EqualsIgnoringCase(name, wanted) || EqualsIgnoringCase(short_name, wanted);
}

std::optional<FatEntry> FatDirectory::Next() {
    LongName long_name;
    while (const auto entry = LoadAt<ShortEntry>(left_, 0)) {
        if (entry->name[0] == kUnused) break;
        const auto raw = left_.first<sizeof(ShortEntry)>();
        left_ = left_.subspan(sizeof(ShortEntry));
        if (entry->name[0] == kDeleted) {
            long_name.Drop();
        } else if (IsLongName(*entry)) {
            long_name.Add(raw);
        } else if ((entry->attributes & kVolumeLabel) != 0) {
            long_name.Drop();
        } else {
            const std::uint32_t high = type_ == FatType::k32 ? entry->first_high : 0;
            std::string short_name = ShortNameOf(*entry);
            return FatEntry{.name = long_name.For(*entry).value_or(short_name),
                            .short_name = std::move(short_name),
                            .is_directory = (entry->attributes & kDirectory) != 0,
                            .first = Cluster{high << 16 | entry->first_low},
                            .size = entry->size};
        }
    }
    left_ = {};
    return std::nullopt;
}

std::string FatLabel(std::span<const std::byte> root) {
    for (; const auto entry = LoadAt<ShortEntry>(root, 0); root = root.subspan(sizeof(ShortEntry))) {
        if (entry->name[0] == kUnused) break;
        const bool is_label = (entry->attributes & (kVolumeLabel | kDirectory)) == kVolumeLabel;
        if (entry->name[0] == kDeleted || IsLongName(*entry) || !is_label) continue;
        return PrintableText(std::as_bytes(std::span(entry->name)));
    }
    return {};
}

}  // namespace husk
