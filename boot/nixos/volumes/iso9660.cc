#include "boot/nixos/volumes/iso9660.h"

#include <algorithm>
#include <array>

#include "boot/nixos/volumes/extents.h"
#include "boot/nixos/volumes/iso_descriptor.h"
#include "boot/nixos/volumes/names.h"

namespace husk {
namespace {

Result<std::optional<IsoFile>> FileCalled(IsoDirectory& directory, std::string_view name) {
    std::optional<IsoFile> file = HUSK_TRY(directory.Next());
    while (file && !(IsPlainName(file->name) && file->IsCalled(name))) file = HUSK_TRY(directory.Next());
    return file;
}

// No program makes such a file.
bool Overlap(std::vector<ByteRange> ranges) {
    std::ranges::sort(ranges, {}, &ByteRange::offset);
    return std::ranges::adjacent_find(ranges, [](const ByteRange& a, const ByteRange& b) {
               return b.offset < a.offset + a.length;
           }) != ranges.end();
}

Result<FileExtents> ExtentsOf(const ByteSource& source, const IsoFile& file) {
    if (file.is_compressed) {
        return Fail(ErrorKind::kBootSource, "it is compressed within the ISO (zisofs), which husk does not read");
    }
    if (file.is_interleaved) {
        return Fail(ErrorKind::kBootSource, "it is interleaved with another file, which husk does not read");
    }
    FileExtents extents;
    for (const ByteRange& section : file.sections) {
        if (section.length != 0 && !IsWithin(section, source.Size())) {
            return Fail(ErrorKind::kBootSource,
                        "it lies after the end of the image: the ISO is damaged, or not complete");
        }
        HUSK_TRY(AppendRange(extents, section));
    }
    if (Overlap(extents.ranges)) {
        return Fail(ErrorKind::kBootSource, "its ISO 9660 file system is damaged: its sections overlap");
    }
    return extents;
}

}  // namespace

bool IsoVolume::IsIso(const ByteSource& source) {
    const auto descriptor = ReadIsoDescriptor(source, {0, source.Size()});
    return !descriptor || descriptor->has_value();
}

Result<IsoVolume> IsoVolume::Open(const ByteSource& source) {
    std::optional<IsoDescriptor> descriptor = HUSK_TRY(ReadIsoDescriptor(source, {0, source.Size()}));
    if (!descriptor) return Fail(ErrorKind::kBootSource, "it holds no ISO 9660 file system");
    if (descriptor->size > source.Size()) {
        return Fail(ErrorKind::kBootSource, "the ISO says it has " + std::to_string(descriptor->size) +
                                                " bytes, but there are only " + std::to_string(source.Size()) +
                                                ": is the download complete?");
    }
    // The root directory's first record, ".", says whether there is Rock Ridge.
    IsoFormat format{.block_bytes = descriptor->block_bytes, .rock_ridge_skip = std::nullopt};
    const ByteRange& root = descriptor->root;
    if (!IsWithin(root, source.Size())) {
        return Fail(ErrorKind::kBootSource, "its ISO 9660 file system is damaged: its root directory lies outside");
    }
    std::array<std::byte, 255> bytes;
    const auto start = std::span(bytes).first(std::min<std::uint64_t>(bytes.size(), root.length));
    HUSK_TRY(source.Read(root.offset, start));
    const auto dot = ParseIsoRecord(start);
    if (dot && dot->IsDots()) format.rock_ridge_skip = RockRidgeReader::FindSkip(dot->system_use);
    return IsoVolume(source, format, std::move(descriptor->label), root);
}

Result<std::vector<std::string>> IsoVolume::List(std::string_view directory) const {
    const std::vector<std::string_view> path = HUSK_TRY_IN(directory, SplitPath(directory));
    std::vector<std::string> names;
    std::optional<IsoDirectory> files = HUSK_TRY_IN(directory, Enter(path));
    if (!files) return names;
    while (std::optional<IsoFile> file = HUSK_TRY_IN(directory, files->Next())) {
        if (!file->is_regular || !IsPlainName(file->name)) continue;
        if (names.size() == kMaxNames) {
            return Fail(ErrorKind::kBootSource, std::string(directory) + ": there are more than 4096 files in it");
        }
        names.push_back(std::move(file->name));
    }
    return names;
}

Result<std::optional<FileExtents>> IsoVolume::Find(std::string_view path) const {
    const std::vector<std::string_view> names = HUSK_TRY_IN(path, SplitPath(path));
    if (names.empty()) return std::nullopt;
    std::optional<IsoDirectory> directory = HUSK_TRY_IN(path, Enter(std::span(names).first(names.size() - 1)));
    if (!directory) return std::nullopt;
    const std::optional<IsoFile> file = HUSK_TRY_IN(path, FileCalled(*directory, names.back()));
    if (!file || !file->is_regular) return std::nullopt;
    return HUSK_TRY_IN(path, ExtentsOf(*source_, *file));
}

Result<std::optional<IsoDirectory>> IsoVolume::Enter(std::span<const std::string_view> names) const {
    IsoDirectory directory = HUSK_TRY(IsoDirectory::Open(*source_, format_, root_));
    for (const std::string_view name : names) {
        const std::optional<IsoFile> file = HUSK_TRY(FileCalled(directory, name));
        if (!file || !file->is_directory) return std::nullopt;
        directory = HUSK_TRY(IsoDirectory::Open(*source_, format_, file->sections.front()));
    }
    return directory;
}

}  // namespace husk
