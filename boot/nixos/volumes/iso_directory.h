// IsoDirectory: walks a directory of an ISO 9660 file system, file by file: the records of one file joined, its name
// the one of Rock Ridge where there is one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "boot/nixos/byte_source.h"
#include "boot/nixos/volumes/iso_record.h"
#include "boot/nixos/volumes/rock_ridge.h"
#include "vmm/base/result.h"

namespace husk {

struct IsoFormat {
    std::uint32_t block_bytes = 0;
    std::optional<std::uint8_t> rock_ridge_skip;  // nothing: there is no Rock Ridge
};

struct IsoFile {
    std::string name;             // without version and the dot at its end where it is ISO 9660's own
    bool has_posix_name = false;  // then the case of its letters counts
    bool is_directory = false;
    bool is_regular = false;
    bool is_compressed = false;  // zisofs: its bytes are not the file's
    bool is_interleaved = false;
    std::vector<ByteRange> sections;  // as the records say: not checked

    [[nodiscard]] bool IsCalled(std::string_view wanted) const;
};

class IsoDirectory {
 public:
    static constexpr std::uint64_t kMaxBytes = 8U << 20;  // about 70,000 files
    static constexpr std::size_t kMaxSections = 4096;     // of one file: 16 TiB

    // `source` outlives it. An error when `range` is larger than kMaxBytes or not within the source.
    [[nodiscard]] static Result<IsoDirectory> Open(const ByteSource& source, const IsoFormat& format,
                                                   const ByteRange& range);
    // The next one but "." and ".."; nothing at the end.
    [[nodiscard]] Result<std::optional<IsoFile>> Next();

 private:
    IsoDirectory(const ByteSource& source, const IsoFormat& format, const ByteRange& range)
        : source_(&source), block_bytes_(format.block_bytes), left_(range) {
        if (format.rock_ridge_skip) rock_ridge_.emplace(source, format.block_bytes, *format.rock_ridge_skip);
    }
    // The next record, within buffer_; nothing at the end.
    [[nodiscard]] Result<std::optional<IsoRecord>> NextRecord();
    [[nodiscard]] Result<IsoFile> FileOf(const IsoRecord& record);

    const ByteSource* source_;
    std::uint32_t block_bytes_;
    std::optional<RockRidgeReader> rock_ridge_;
    ByteRange left_;  // not yet in the buffer
    std::vector<std::byte> buffer_;
    std::size_t at_ = 0;  // in the buffer
};

}  // namespace husk
