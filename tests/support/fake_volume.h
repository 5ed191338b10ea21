// A disk in memory with volumes of texts in it, for tests of what reads boot menus.
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "boot/nixos/byte_source.h"
#include "boot/nixos/volumes/volume.h"

namespace husk::testing {

class FakeDisk;

// Files by absolute path. Each is in two pieces on the disk, so that readers have to follow its extents.
class FakeVolume final : public Volume {
 public:
    explicit FakeVolume(FakeDisk& disk) : disk_(disk) {}

    FakeVolume& Write(const std::string& path, std::string_view text);
    // From now on `path`, a file or a directory, is an error.
    FakeVolume& Break(const std::string& path) {
        broken_ = path;
        return *this;
    }

    [[nodiscard]] Result<std::vector<std::string>> List(std::string_view directory) const override {
        if (directory == broken_) return Fail(ErrorKind::kBootSource, "the directory is cyclic");
        const std::string prefix = std::string(directory) + '/';
        std::vector<std::string> names;
        for (const auto& [path, file] : files_) {
            if (path.starts_with(prefix) && path.find('/', prefix.size()) == std::string::npos)
                names.push_back(path.substr(prefix.size()));
        }
        return names;
    }

    [[nodiscard]] Result<std::optional<FileExtents>> Find(std::string_view path) const override {
        if (path == broken_) return Fail(ErrorKind::kBootSource, "its chain is cyclic");
        const auto found = files_.find(path);
        if (found == files_.end()) return std::nullopt;
        return found->second;
    }

 private:
    FakeDisk& disk_;
    std::map<std::string, FileExtents, std::less<>> files_;
    std::optional<std::string> broken_;
};

class FakeDisk final : public ByteSource {
 public:
    FakeVolume& AddVolume() { return volumes_.emplace_back(*this); }

    [[nodiscard]] std::vector<const Volume*> Volumes() const {
        std::vector<const Volume*> volumes;
        for (const FakeVolume& volume : volumes_) volumes.push_back(&volume);
        return volumes;
    }

    // Appends `text`, and a byte that is of no file.
    ByteRange Append(std::string_view text) {
        const ByteRange range{bytes_.size(), text.size()};
        const auto bytes = std::as_bytes(std::span(text));
        bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
        bytes_.push_back(std::byte{'!'});
        return range;
    }

    [[nodiscard]] std::uint64_t Size() const override { return bytes_.size(); }
    [[nodiscard]] Result<> Read(std::uint64_t offset, std::span<std::byte> out) const override {
        return SpanSource(bytes_).Read(offset, out);
    }

 private:
    std::vector<std::byte> bytes_;
    std::deque<FakeVolume> volumes_;  // they stay where they are
};

inline FakeVolume& FakeVolume::Write(const std::string& path, std::string_view text) {
    const std::size_t half = text.size() / 2;
    FileExtents file{.ranges = {}, .size = text.size()};
    for (const std::string_view piece : {text.substr(0, half), text.substr(half)}) {
        if (!piece.empty()) file.ranges.push_back(disk_.Append(piece));
    }
    files_[path] = file;
    return *this;
}

}  // namespace husk::testing
