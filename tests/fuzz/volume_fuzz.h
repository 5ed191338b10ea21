// What the fuzzers of file systems do with a volume: ask it for its files, and check what it says against its promises
// (boot/nixos/volumes/volume.h). Reading is counted: no question may take unbounded work.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "boot/nixos/volumes/extents.h"
#include "boot/nixos/volumes/names.h"
#include "boot/nixos/volumes/volume.h"
#include "boot/nixos/volumes/volume_labels.h"
#include "vmm/base/bytes.h"

namespace husk::testing {

inline void Require(bool condition) {
    if (!condition) std::abort();
}

inline void RequireSentence(const Error& error) {
    Require(!error.Message().empty() && error.Kind() == ErrorKind::kBootSource);
}

// Input bytes from `start`, zeros around them.
class PaddedSource final : public ByteSource {
 public:
    PaddedSource(std::uint64_t size, std::uint64_t start, std::span<const std::byte> bytes)
        : size_(std::max<std::uint64_t>(size, start + bytes.size())), start_(start), bytes_(bytes) {}
    [[nodiscard]] std::uint64_t Size() const override { return size_; }
    [[nodiscard]] Result<> Read(std::uint64_t offset, std::span<std::byte> out) const override {
        ++reads;
        if (offset > size_ || out.size() > size_ - offset) return Fail(ErrorKind::kBootSource, "outside");
        std::ranges::fill(out, std::byte{0});
        const std::uint64_t begin = std::max(offset, start_);
        const std::uint64_t end = std::min(offset + out.size(), start_ + bytes_.size());
        if (begin < end) {
            std::ranges::copy(bytes_.subspan(begin - start_, end - begin),
                              out.begin() + static_cast<std::ptrdiff_t>(begin - offset));
        }
        return {};
    }
    mutable std::size_t reads = 0;

 private:
    std::uint64_t size_;
    std::uint64_t start_;
    std::span<const std::byte> bytes_;
};

// A fuzzer's input: the size of the image (4 bytes), the length of a path (1 byte), the path, the image's bytes.
struct VolumeInput {
    std::uint64_t size = 0;
    std::string path;
    std::span<const std::byte> image;

    [[nodiscard]] static VolumeInput From(const std::uint8_t* data, std::size_t size) {
        constexpr std::size_t kHeader = 5;
        constexpr std::uint64_t kMaxSize = 1U << 28;
        auto left = std::as_bytes(std::span(data, size));
        if (left.size() < kHeader) return {};
        const std::uint64_t image_size = LoadLittleEndian(left.first(4)) % kMaxSize;
        const std::size_t path_size = std::min(std::to_integer<std::size_t>(left[4]), left.size() - kHeader);
        const auto path = left.subspan(kHeader, path_size);
        return {image_size, std::string(reinterpret_cast<const char*>(path.data()), path.size()),
                left.subspan(kHeader + path_size)};
    }
};

inline void CheckFile(const FileExtents& file, const ByteSource& source) {
    std::uint64_t sum = 0;
    std::uint64_t end_of_last = ~std::uint64_t{0};
    Require(file.ranges.size() <= kMaxPieces);
    for (const ByteRange& range : file.ranges) {
        Require(range.length != 0 && IsWithin(range, source.Size()) && range.offset != end_of_last);
        end_of_last = range.offset + range.length;
        sum += range.length;
    }
    Require(sum == file.size);
    std::vector<ByteRange> sorted = file.ranges;
    std::ranges::sort(sorted, {}, &ByteRange::offset);
    const auto overlap = [](const ByteRange& a, const ByteRange& b) { return b.offset < a.offset + a.length; };
    Require(std::ranges::adjacent_find(sorted, overlap) == sorted.end());
}

inline void ExerciseVolume(const Volume& volume, const PaddedSource& source, std::string_view path) {
    constexpr std::size_t kMaxReads = 300'000;  // a directory's Rock Ridge continuations, on each level of a path
    const auto find = [&](std::string_view file) {
        source.reads = 0;
        const auto found = volume.Find(file);
        Require(source.reads <= kMaxReads);
        if (!found) return RequireSentence(found.error());
        if (*found) CheckFile(**found, source);
    };
    find(path);
    for (std::string directory : {std::string("/"), std::string(path.substr(0, path.rfind('/') + 1))}) {
        source.reads = 0;
        const auto names = volume.List(directory);
        Require(source.reads <= kMaxReads);
        if (!names) {
            RequireSentence(names.error());
            continue;
        }
        Require(names->size() <= Volume::kMaxNames);
        if (!directory.ends_with('/')) directory += '/';
        for (const std::string& name : std::span(*names).first(std::min<std::size_t>(names->size(), 16))) {
            Require(IsPlainName(name));
            find(directory + name);
        }
    }
}

inline void ExerciseLabels(const ByteSource& source) {
    const auto identity = ProbeVolume(source, {0, source.Size()});
    if (!identity) return RequireSentence(identity.error());
    if (!*identity) return;
    Require(!(*identity)->type.empty());
    for (const std::string& text : {(*identity)->label, (*identity)->uuid}) {
        Require(text == PrintableText(std::as_bytes(std::span(text))));
    }
}

}  // namespace husk::testing
