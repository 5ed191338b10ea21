#include "boot/nixos/volumes/fat.h"

#include "boot/nixos/volumes/fat_table.h"
#include "boot/nixos/volumes/names.h"

namespace husk {
namespace {

std::optional<FatEntry> EntryCalled(std::span<const std::byte> directory, FatType type, std::string_view name) {
    FatDirectory entries(directory, type);
    std::optional<FatEntry> entry = entries.Next();
    while (entry && !(IsPlainName(entry->name) && entry->IsCalled(name))) entry = entries.Next();
    return entry;
}

}  // namespace

bool FatVolume::IsFat(const ByteSource& source, const ByteRange& partition) {
    const auto geometry = ReadFatGeometry(source, partition);
    return !geometry || geometry->has_value();
}

Result<FatVolume> FatVolume::Open(const ByteSource& source, const ByteRange& partition) {
    const std::optional<FatGeometry> geometry = HUSK_TRY(ReadFatGeometry(source, partition));
    if (!geometry) return Fail(ErrorKind::kBootSource, "it holds no FAT file system");
    return FatVolume(source, *geometry);
}

Result<std::vector<std::string>> FatVolume::List(std::string_view directory) const {
    const std::vector<std::string_view> path = HUSK_TRY_IN(directory, SplitPath(directory));
    const auto bytes = HUSK_TRY_IN(directory, Enter(path));
    std::vector<std::string> names;
    if (!bytes) return names;
    FatDirectory entries(*bytes, geometry_.type);
    while (auto entry = entries.Next()) {
        if (entry->is_directory || !IsPlainName(entry->name)) continue;
        if (names.size() == kMaxNames) {
            return Fail(ErrorKind::kBootSource, std::string(directory) + ": there are more than 4096 files in it");
        }
        names.push_back(std::move(entry->name));
    }
    return names;
}

Result<std::optional<FileExtents>> FatVolume::Find(std::string_view path) const {
    const std::vector<std::string_view> names = HUSK_TRY_IN(path, SplitPath(path));
    if (names.empty()) return std::nullopt;
    const auto directory = HUSK_TRY_IN(path, Enter(std::span(names).first(names.size() - 1)));
    if (!directory) return std::nullopt;
    const auto entry = EntryCalled(*directory, geometry_.type, names.back());
    if (!entry || entry->is_directory) return std::nullopt;
    return HUSK_TRY_IN(path, FatTable(*source_, geometry_).File(entry->first, entry->size));
}

Result<std::string> FatVolume::Label() const { return FatLabel(HUSK_TRY(ReadRoot())); }

Result<std::optional<std::vector<std::byte>>> FatVolume::Enter(std::span<const std::string_view> names) const {
    std::vector<std::byte> bytes = HUSK_TRY(ReadRoot());
    for (const std::string_view name : names) {
        const auto entry = EntryCalled(bytes, geometry_.type, name);
        if (!entry || !entry->is_directory) return std::nullopt;
        bytes = HUSK_TRY(ReadDirectory(entry->first));
    }
    return bytes;
}

Result<std::vector<std::byte>> FatVolume::ReadRoot() const {
    if (geometry_.type == FatType::k32) return ReadDirectory(geometry_.root);
    return ReadAll({{geometry_.fixed_root}, geometry_.fixed_root.length});
}

Result<std::vector<std::byte>> FatVolume::ReadDirectory(Cluster first) const {
    return ReadAll(HUSK_TRY(FatTable(*source_, geometry_).Directory(first)));
}

Result<std::vector<std::byte>> FatVolume::ReadAll(FileExtents directory) const {
    std::vector<std::byte> bytes(directory.size);
    HUSK_TRY(RangesSource(*source_, std::move(directory.ranges)).Read(0, bytes));
    return bytes;
}

}  // namespace husk
