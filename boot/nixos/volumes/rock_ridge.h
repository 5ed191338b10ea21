// Rock Ridge: the POSIX names in an ISO 9660 directory's system use areas (IEEE P1281 "SUSP" 1.12, P1282 "RRIP" 1.12).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "boot/nixos/byte_source.h"
#include "vmm/base/result.h"

namespace husk {

struct RockRidgeFacts {
    std::optional<std::string> name;
    bool is_special = false;     // a symbolic link, a device, a directory that lies elsewhere: nothing that we follow
    bool is_compressed = false;  // zisofs
};

// Reads the system use areas of one directory's records. An area may go on elsewhere ("CE"): the number of such places
// is bounded for each record and for the whole directory.
class RockRidgeReader {
 public:
    // `skip`: what FindSkip() found.
    RockRidgeReader(const ByteSource& source, std::uint32_t block_bytes, std::uint8_t skip)
        : source_(&source), block_bytes_(block_bytes), skip_(skip) {}

    // The bytes before the entries in each record's area, from the first record of the root directory; nothing when the
    // file system has no Rock Ridge.
    [[nodiscard]] static std::optional<std::uint8_t> FindSkip(std::span<const std::byte> system_use);

    [[nodiscard]] Result<RockRidgeFacts> Read(std::span<const std::byte> system_use);

 private:
    const ByteSource* source_;
    std::uint32_t block_bytes_;
    std::uint8_t skip_;
    std::size_t continuations_ = 0;
};

}  // namespace husk
