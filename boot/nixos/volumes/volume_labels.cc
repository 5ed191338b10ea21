#include "boot/nixos/volumes/volume_labels.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "boot/nixos/volumes/extents.h"
#include "boot/nixos/volumes/fat.h"
#include "boot/nixos/volumes/iso_descriptor.h"
#include "boot/nixos/volumes/names.h"
#include "vmm/base/bytes.h"

namespace husk {
namespace {

using Bytes = std::span<const std::byte>;  // the start of the volume

constexpr std::uint64_t kStart = 72 * 1024;  // bytes: the last superblock is btrfs's, at 64 KiB

bool Holds(Bytes bytes, std::size_t offset, std::string_view magic) {
    return bytes.size() >= offset + magic.size() &&
           std::ranges::equal(bytes.subspan(offset, magic.size()), std::as_bytes(std::span(magic)));
}

// `length` bytes from `offset` as a text; empty when they are not all there.
std::string TextAt(Bytes bytes, std::size_t offset, std::size_t length) {
    return bytes.size() < offset + length ? std::string() : PrintableText(bytes.subspan(offset, length));
}

constexpr std::string_view kHexLower = "0123456789abcdef";
constexpr std::string_view kHexUpper = "0123456789ABCDEF";

void AppendHex(std::string& text, std::uint8_t byte, std::string_view digits) {
    text.push_back(digits[byte >> 4]);
    text.push_back(digits[byte & 0xfU]);
}

// 16 bytes as 8-4-4-4-12 hexadecimal digits; all zero is none.
std::string UuidAt(Bytes bytes, std::size_t offset) {
    const auto uuid = LoadAt<std::array<std::uint8_t, 16>>(bytes, offset);
    std::string text;
    if (!uuid || *uuid == std::array<std::uint8_t, 16>{}) return text;
    for (std::size_t i = 0; i < uuid->size(); ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) text.push_back('-');
        AppendHex(text, (*uuid)[i], kHexLower);
    }
    return text;
}

// Linux: fs/ext4/ext4.h. What only ext4 has makes it ext4; of the others, ext3 has a journal.
std::optional<VolumeIdentity> Ext(Bytes bytes) {
    constexpr std::size_t kSuper = 1024;
    if (!Holds(bytes, kSuper + 0x38, "\x53\xef")) return std::nullopt;
    const auto features = LoadAt<std::array<std::uint32_t, 3>>(bytes, kSuper + 0x5c);
    if (!features) return std::nullopt;
    const auto& [compatible, incompatible, read_only] = *features;
    constexpr std::uint32_t kHasJournal = 0x4;
    constexpr std::uint32_t kJournalDevice = 0x8;
    constexpr std::uint32_t kExt3Incompatible = 0x2 | 0x4 | 0x10;  // file types, recovery, meta block groups
    constexpr std::uint32_t kExt3ReadOnly = 0x1 | 0x2 | 0x4;  // sparse superblocks, large files, B-tree directories
    if ((incompatible & kJournalDevice) != 0) return std::nullopt;
    const bool is_ext4 = (incompatible & ~kExt3Incompatible) != 0 || (read_only & ~kExt3ReadOnly) != 0;
    const bool is_ext3 = (compatible & kHasJournal) != 0;
    return VolumeIdentity{is_ext4   ? "ext4"
                          : is_ext3 ? "ext3"
                                    : "ext2",
                          TextAt(bytes, kSuper + 0x78, 16), UuidAt(bytes, kSuper + 0x68)};
}

std::optional<VolumeIdentity> Btrfs(Bytes bytes) {
    constexpr std::size_t kSuper = 64 * 1024;
    if (!Holds(bytes, kSuper + 0x40, "_BHRfS_M")) return std::nullopt;
    return VolumeIdentity{"btrfs", TextAt(bytes, kSuper + 0x12b, 256), UuidAt(bytes, kSuper + 0x20)};
}

std::optional<VolumeIdentity> Xfs(Bytes bytes) {
    if (!Holds(bytes, 0, "XFSB")) return std::nullopt;
    return VolumeIdentity{"xfs", TextAt(bytes, 108, 12), UuidAt(bytes, 32)};
}

std::optional<VolumeIdentity> Squashfs(Bytes bytes) {
    if (!Holds(bytes, 0, "hsqs")) return std::nullopt;
    return VolumeIdentity{"squashfs", {}, {}};
}

std::optional<VolumeIdentity> Erofs(Bytes bytes) {
    constexpr std::size_t kSuper = 1024;
    if (!Holds(bytes, kSuper, "\xe2\xe1\xf5\xe0")) return std::nullopt;
    return VolumeIdentity{"erofs", TextAt(bytes, kSuper + 64, 16), UuidAt(bytes, kSuper + 48)};
}

// The LUKS on-disk format specifications, 1.2.3 and 2. Only version 2 has a label.
std::optional<VolumeIdentity> Luks(Bytes bytes) {
    using namespace std::string_view_literals;
    constexpr std::size_t kUuid = 168;
    const bool is_first = Holds(bytes, 0, "LUKS\xba\xbe\0\1"sv);
    const bool is_second = Holds(bytes, 0, "LUKS\xba\xbe\0\2"sv);
    if (!is_first && !is_second) return std::nullopt;
    return VolumeIdentity{"crypto_LUKS", is_second ? TextAt(bytes, 24, 48) : std::string(), TextAt(bytes, kUuid, 40)};
}

std::optional<VolumeIdentity> Vfat(const ByteSource& source, const ByteRange& range) {
    const auto volume = FatVolume::Open(source, range);
    if (!volume) return std::nullopt;
    std::string uuid;
    for (const std::uint32_t shift : {24U, 16U, 8U, 0U}) {
        if (shift == 8) uuid.push_back('-');
        AppendHex(uuid, static_cast<std::uint8_t>(volume->Serial() >> shift), kHexUpper);
    }
    return VolumeIdentity{"vfat", volume->Label().value_or(""), volume->Serial() == 0 ? std::string() : uuid};
}

std::optional<VolumeIdentity> Iso(const ByteSource& source, const ByteRange& range) {
    auto descriptor = ReadIsoDescriptor(source, range);
    if (!descriptor || !*descriptor) return std::nullopt;
    return VolumeIdentity{"iso9660", std::move((*descriptor)->label), std::move((*descriptor)->date)};
}

}  // namespace

Result<std::optional<VolumeIdentity>> ProbeVolume(const ByteSource& source, const ByteRange& range) {
    if (!IsWithin(range, source.Size())) {
        return Fail(ErrorKind::kBootSource, "the partition ends after the end of the image");
    }
    std::vector<std::byte> start(std::min(range.length, kStart));
    HUSK_TRY(source.Read(range.offset, start));
    // Encryption first: what an older file system left behind it does not count. FAT, whose marks are the weakest,
    // last.
    for (const auto probe : {Luks, Ext, Btrfs, Xfs, Squashfs, Erofs}) {
        if (auto identity = probe(start)) return identity;
    }
    if (auto identity = Iso(source, range)) return identity;
    return Vfat(source, range);
}

}  // namespace husk
