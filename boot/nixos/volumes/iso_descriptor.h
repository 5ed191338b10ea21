// IsoDescriptor: what the primary volume descriptor of an ISO 9660 file system says (ECMA-119, 4th edition, §8.4).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "boot/nixos/byte_source.h"
#include "vmm/base/result.h"

namespace husk {

inline constexpr std::uint32_t kIsoSector = 2048;  // bytes; no record of a directory crosses one

struct IsoDescriptor {
    std::string label;          // fit to be shown
    std::string date;           // of the last change, else of creation: "2024-06-01-12-30-00-00", udev's UUID; or empty
    std::uint32_t block_bytes;  // 512, 1024 or 2048: the unit of places
    std::uint64_t size;         // bytes
    ByteRange root;             // of the file system; not checked
};

// The descriptor in the volume that begins at `offset` of the source and has `length` bytes; nothing when there is
// none.
[[nodiscard]] Result<std::optional<IsoDescriptor>> ReadIsoDescriptor(const ByteSource& source, const ByteRange& volume);

}  // namespace husk
