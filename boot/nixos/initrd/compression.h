// Which compression the parts of an initrd, or the payload of a bzImage, have: by their first bytes, as Linux tells
// them apart (lib/decompress.c).
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace husk {

enum class Compression { kNone, kGzip, kXz, kZstd, kBzip2, kLzma, kLzo, kLz4 };

// kNone for whatever Linux does not know either.
[[nodiscard]] Compression DetectCompression(std::span<const std::byte> head);

// "gzip", as its command is called; "none".
[[nodiscard]] std::string_view CompressionName(Compression compression);

// True for those that the Decompressor reads. The others are named, and no more.
[[nodiscard]] constexpr bool CanDecompress(Compression compression) {
    return compression == Compression::kNone || compression == Compression::kGzip || compression == Compression::kXz ||
           compression == Compression::kZstd;
}

}  // namespace husk
