// ByteSource: the bytes of a boot source (a disk image, an ISO, an initrd), read at any place. Everything in boot/nixos
// reads through it, so that the same code runs over an image, over a file scattered in one, and over a test's array.
//
// The bytes are hostile, and may change between two reads (a running guest writes its disk): read once, check, use the
// copy.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "vmm/base/result.h"

namespace husk {

// `length` bytes of a source from `offset`, both in bytes.
struct ByteRange {
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
    friend bool operator==(const ByteRange&, const ByteRange&) = default;
};

class ByteSource {
 public:
    virtual ~ByteSource() = default;
    [[nodiscard]] virtual std::uint64_t Size() const = 0;  // bytes
    // Fills all of `out` from `offset`. An error (kBootSource) when that is not within the source, or the host cannot
    // read.
    [[nodiscard]] virtual Result<> Read(std::uint64_t offset, std::span<std::byte> out) const = 0;

 protected:
    ByteSource() = default;
    ByteSource(const ByteSource&) = default;
    ByteSource& operator=(const ByteSource&) = default;
};

// An array as a source.
class SpanSource final : public ByteSource {
 public:
    explicit SpanSource(std::span<const std::byte> bytes) : bytes_(bytes) {}
    [[nodiscard]] std::uint64_t Size() const override { return bytes_.size(); }
    [[nodiscard]] Result<> Read(std::uint64_t offset, std::span<std::byte> out) const override;

 private:
    std::span<const std::byte> bytes_;
};

// Some ranges of another source, one after the other, as a source: a file of an image. `source` outlives it.
class RangesSource final : public ByteSource {
 public:
    RangesSource(const ByteSource& source, std::vector<ByteRange> ranges);
    [[nodiscard]] std::uint64_t Size() const override { return size_; }
    [[nodiscard]] Result<> Read(std::uint64_t offset, std::span<std::byte> out) const override;

 private:
    const ByteSource& source_;
    std::vector<ByteRange> ranges_;
    std::uint64_t size_ = 0;
};

}  // namespace husk
