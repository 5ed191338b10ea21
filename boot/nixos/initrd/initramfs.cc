#include "boot/nixos/initrd/initramfs.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "vmm/base/bytes.h"

namespace husk {
namespace {

constexpr std::byte kZero{0};
constexpr std::array<std::uint8_t, 4> kLz4Frame = {0x04, 0x22, 0x4d, 0x18};  // lz4's, unless told "-l"
constexpr std::byte kEntryStart{'0'};                                        // every cpio header begins with it

std::unexpected<Error> Damaged(std::string sentence) { return Fail(ErrorKind::kBootSource, std::move(sentence)); }

std::size_t CountZeros(std::span<const std::byte> bytes) {
    return static_cast<std::size_t>(std::ranges::find_if(bytes, [](std::byte b) { return b != kZero; }) -
                                    bytes.begin());
}

}  // namespace

// Uncompressed bytes, all of them in an entry that has begun or begins here.
Result<> InitramfsReader::TakePlain(SourceReader& reader, std::span<const std::byte> bytes) {
    if (walker_.BetweenEntries() && std::exchange(fresh_, false)) {
        ++archives_;
        visitor_.Archive(Compression::kNone, reader.Position());
    }
    const std::uint64_t droppable = walker_.Droppable();
    if (droppable > bytes.size()) {  // a body that nobody wants, and that need not even be read
        const std::uint64_t before = reader.Position();
        reader.Skip(droppable);
        walker_.Drop(reader.Position() - before);
    } else {
        reader.Skip(HUSK_TRY(walker_.Take(bytes)));
    }
    fresh_ = walker_.AfterTrailer();
    return {};
}

// `position`: of `bytes` in the unpacked stream, where its entries are aligned.
Result<> InitramfsReader::TakeUnpacked(std::span<const std::byte> bytes, std::uint64_t& position,
                                       Compression compression, std::uint64_t part_offset) {
    while (!bytes.empty()) {
        std::size_t taken = 0;
        if (!walker_.BetweenEntries()) {
            taken = HUSK_TRY(walker_.Take(bytes));
        } else if (bytes.front() == kZero) {
            taken = CountZeros(bytes);
        } else if (bytes.front() != kEntryStart || position % 4 != 0) {
            return Damaged("after " + walker_.LastName() + " comes something that is no cpio archive");
        } else {
            if (std::exchange(fresh_, false)) {
                ++archives_;
                visitor_.Archive(compression, part_offset);
            }
            taken = HUSK_TRY(walker_.Take(bytes));
        }
        fresh_ = fresh_ || walker_.AfterTrailer();
        position += taken;
        bytes = bytes.subspan(taken);
    }
    return {};
}

Result<> InitramfsReader::TakeCompressed(SourceReader& reader, Compression compression) {
    if (++compressed_parts_ > kMaxCompressedParts) {
        return Damaged("it has more than " + std::to_string(kMaxCompressedParts) + " compressed parts");
    }
    const std::uint64_t part_offset = reader.Position();
    Decompressor stream = HUSK_TRY(Decompressor::Open(compression, libraries_, reader, budget_));
    fresh_ = true;
    std::uint64_t position = 0;
    for (;;) {
        const std::span<const std::byte> bytes = HUSK_TRY(stream.Next());
        if (bytes.empty()) break;
        HUSK_TRY(TakeUnpacked(bytes, position, compression, part_offset));
    }
    if (!walker_.BetweenEntries()) return Damaged("a compressed part ends in the middle of " + walker_.LastName());
    fresh_ = true;
    return {};
}

Result<InitramfsEnd> InitramfsReader::WalkParts(const ByteSource& source) {
    SourceReader reader(source, {.offset = 0, .length = source.Size()});
    for (;;) {
        const std::span<const std::byte> bytes = HUSK_TRY(reader.Peek());
        if (bytes.empty()) break;
        if (!walker_.BetweenEntries() || (bytes.front() == kEntryStart && reader.Position() % 4 == 0)) {
            HUSK_TRY(TakePlain(reader, bytes));
        } else if (bytes.front() == kZero) {
            reader.Skip(CountZeros(bytes));
        } else {
            const Compression compression = DetectCompression(bytes);
            if (!CanDecompress(compression)) return InitramfsEnd{.damage = {}, .unknown = compression};
            if (LoadAt<std::array<std::uint8_t, 4>>(bytes, 0) == kLz4Frame) {
                return Damaged("at byte " + std::to_string(reader.Position()) +
                               " comes an lz4 frame, which Linux does not unpack: \"lz4 -l\" makes what it does");
            }
            if (compression == Compression::kNone) {
                return Damaged("at byte " + std::to_string(reader.Position()) +
                               " comes neither a cpio archive nor compressed data");
            }
            HUSK_TRY(TakeCompressed(reader, compression));
        }
    }
    if (!walker_.BetweenEntries()) return Damaged("it ends in the middle of " + walker_.LastName());
    if (archives_ == 0) return Damaged("it holds no cpio archive");
    return InitramfsEnd{};
}

Result<InitramfsEnd> InitramfsReader::Walk(const ByteSource& source) {
    if (source.Size() > kMaxInitrdBytes) return InitramfsEnd{"it has more than 4 GiB", std::nullopt};
    fresh_ = true;
    auto end = WalkParts(source);
    if (!end && end.error().Kind() == ErrorKind::kBootSource) return InitramfsEnd{end.error().Message(), std::nullopt};
    return end;
}

}  // namespace husk
