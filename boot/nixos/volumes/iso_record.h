// IsoRecord: one record of an ISO 9660 directory (ECMA-119 §9.1), without Rock Ridge.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "boot/nixos/byte_source.h"

namespace husk {

inline constexpr std::size_t kMinIsoRecord = 34;  // bytes

struct IsoRecord {
    std::size_t length = 0;             // of the record, bytes
    std::uint32_t block = 0;            // where the data begins
    std::uint8_t attribute_blocks = 0;  // before the data
    std::uint32_t data_length = 0;      // bytes
    bool is_directory = false;          //
    bool is_associated = false;         // a fork of the file of the same name
    bool continues = false;             // the next record goes on with this file
    bool is_interleaved = false;        // pieces with gaps; nobody makes it
    std::string_view identifier;        // as it is: "BZIMAGE.;1", "\0" for ".", "\1" for ".."
    std::span<const std::byte> system_use;

    // Of the file system, in bytes: below 2^44.
    [[nodiscard]] ByteRange RangeWith(std::uint32_t block_bytes) const {
        return {(std::uint64_t{block} + attribute_blocks) * block_bytes, data_length};
    }
    [[nodiscard]] bool IsDots() const { return identifier.size() == 1 && identifier[0] <= '\1' && identifier[0] >= 0; }
};

// The record that `bytes` begin with, with views into them; nothing when it is none.
[[nodiscard]] std::optional<IsoRecord> ParseIsoRecord(std::span<const std::byte> bytes);

}  // namespace husk
