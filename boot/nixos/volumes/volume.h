// Volume: a read-only file system of a boot source, as far as finding a kernel needs it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "boot/nixos/byte_source.h"

namespace husk {

// Where a file's bytes are: ranges of the whole source (not of the partition), adjacent ones merged, each within the
// source. Their lengths add up to the file's.
struct FileExtents {
    std::vector<ByteRange> ranges;
    std::uint64_t size = 0;  // bytes
};

class Volume {
 public:
    virtual ~Volume() = default;
    // The names of the regular files in `directory` ("/loader/entries"), in the order of the file system; none when
    // there is no such directory. At most kMaxNames: more is an error.
    [[nodiscard]] virtual Result<std::vector<std::string>> List(std::string_view directory) const = 0;
    // The regular file at `path` (absolute; repeated slashes are one), or nothing when there is none. ".." is refused,
    // links are not followed unless the file system says otherwise in its header.
    [[nodiscard]] virtual Result<std::optional<FileExtents>> Find(std::string_view path) const = 0;

    static constexpr std::size_t kMaxNames = 4096;

 protected:
    Volume() = default;
    Volume(const Volume&) = default;
    Volume& operator=(const Volume&) = default;
};

}  // namespace husk
