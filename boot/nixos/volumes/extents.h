// How the file systems put a file's ranges together.
#pragma once

#include <cstddef>
#include <cstdint>

#include "boot/nixos/volumes/volume.h"
#include "vmm/base/result.h"

namespace husk {

// Pieces of one file. More would make its list of ranges a burden; a kernel or an initrd has a few.
inline constexpr std::size_t kMaxPieces = std::size_t{1} << 16;

// True when `range` ends within `size` bytes.
[[nodiscard]] inline bool IsWithin(const ByteRange& range, std::uint64_t size) {
    return range.offset <= size && range.length <= size - range.offset;
}

// Adds `range` (within a source) at the end of `file`, merged with the last one where they touch. The caller bounds the
// sum of the lengths.
[[nodiscard]] inline Result<> AppendRange(FileExtents& file, const ByteRange& range) {
    if (range.length == 0) return {};
    file.size += range.length;
    if (!file.ranges.empty() && file.ranges.back().offset + file.ranges.back().length == range.offset) {
        file.ranges.back().length += range.length;
        return {};
    }
    if (file.ranges.size() == kMaxPieces) {
        return Fail(ErrorKind::kBootSource,
                    "it is in more than 65536 pieces: its file system is damaged, or the file must be copied anew");
    }
    file.ranges.push_back(range);
    return {};
}

}  // namespace husk
