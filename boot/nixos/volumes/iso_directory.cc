#include "boot/nixos/volumes/iso_directory.h"

#include <algorithm>
#include <utility>

#include "boot/nixos/volumes/extents.h"
#include "boot/nixos/volumes/iso_descriptor.h"
#include "boot/nixos/volumes/names.h"

namespace husk {
namespace {

constexpr std::uint64_t kChunk = 64 * 1024;  // bytes: whole sectors

std::unexpected<Error> Damaged(const char* what) {
    return Fail(ErrorKind::kBootSource, std::string("its ISO 9660 file system is damaged: ") + what);
}

// "BZIMAGE.;1" is "BZIMAGE".
std::string NameOf(std::string_view identifier) {
    std::string_view name = identifier.substr(0, identifier.find(';'));
    if (name.ends_with('.')) name.remove_suffix(1);
    return std::string(name);
}

}  // namespace

bool IsoFile::IsCalled(std::string_view wanted) const {
    return has_posix_name ? name == wanted : EqualsIgnoringCase(name, wanted);
}

Result<IsoDirectory> IsoDirectory::Open(const ByteSource& source, const IsoFormat& format, const ByteRange& range) {
    if (range.length > kMaxBytes) {
        return Fail(ErrorKind::kBootSource, "this directory is larger than husk reads (8 MiB)");
    }
    if (!IsWithin(range, source.Size())) return Damaged("this directory lies after the end of the image");
    return IsoDirectory(source, format, range);
}

Result<std::optional<IsoFile>> IsoDirectory::Next() {
    std::optional<IsoFile> file;
    std::string identifier;
    while (const std::optional<IsoRecord> record = HUSK_TRY(NextRecord())) {
        if (record->IsDots() || record->is_associated) continue;
        if (!file) {
            file = HUSK_TRY(FileOf(*record));
            identifier = record->identifier;
        } else if (record->identifier != identifier || file->is_directory || record->is_directory) {
            break;  // the file before it misses its end
        }
        if (file->sections.size() == kMaxSections) return Damaged("it has a file in more than 4096 sections");
        file->sections.push_back(record->RangeWith(block_bytes_));
        file->is_interleaved |= record->is_interleaved;
        if (!record->continues) return file;
    }
    if (file) return Damaged("it has a file of several sections without the last one");
    return std::nullopt;
}

Result<IsoFile> IsoDirectory::FileOf(const IsoRecord& record) {
    IsoFile file{.name = NameOf(record.identifier),
                 .is_directory = record.is_directory,
                 .is_regular = !record.is_directory,
                 .sections = {}};
    if (!rock_ridge_) return file;
    RockRidgeFacts facts = HUSK_TRY(rock_ridge_->Read(record.system_use));
    if (facts.name) file.name = std::move(*facts.name);
    file.has_posix_name = facts.name.has_value();
    file.is_directory &= !facts.is_special;
    file.is_regular &= !facts.is_special;
    file.is_compressed = facts.is_compressed;
    return file;
}

Result<std::optional<IsoRecord>> IsoDirectory::NextRecord() {
    for (;;) {
        if (at_ == buffer_.size()) {
            if (left_.length == 0) return std::nullopt;
            buffer_.resize(std::min(kChunk, left_.length));
            at_ = 0;
            HUSK_TRY(source_->Read(left_.offset, buffer_));
            left_ = {left_.offset + buffer_.size(), left_.length - buffer_.size()};
        }
        const std::size_t sector_end = std::min(at_ - at_ % kIsoSector + kIsoSector, buffer_.size());
        if (buffer_[at_] == std::byte{0}) {  // the rest of the sector is padding
            at_ = sector_end;
            continue;
        }
        const auto record = ParseIsoRecord(std::span(buffer_).subspan(at_, sector_end - at_));
        if (!record) return Damaged("a record of this directory is longer than its sector, or too short");
        at_ += record->length;
        return record;
    }
}

}  // namespace husk
