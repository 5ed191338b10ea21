// TestImage: a disk image of any size for tests, of which only the parts that were written take memory. It counts how
// often it is read, which says more about bounded work than a clock does.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string_view>
#include <vector>

#include "boot/nixos/byte_source.h"
#include "vmm/base/bytes.h"

namespace husk::testing {

class TestImage final : public ByteSource {
 public:
    explicit TestImage(std::uint64_t size) : size_(size) {}

    [[nodiscard]] std::uint64_t Size() const override { return size_; }
    [[nodiscard]] Result<> Read(std::uint64_t offset, std::span<std::byte> out) const override {
        ++reads_;
        if (offset > size_ || out.size() > size_ - offset) return Fail(ErrorKind::kBootSource, "outside of the image");
        bytes_read_ += out.size();
        for (; !out.empty(); out = out.subspan(Here(offset, out.size())), offset += kPage - offset % kPage) {
            const auto part = out.first(Here(offset, out.size()));
            const auto page = pages_.find(offset / kPage);
            if (page == pages_.end()) {
                std::ranges::fill(part, std::byte{0});
            } else {
                std::ranges::copy(std::span(page->second).subspan(offset % kPage, part.size()), part.begin());
            }
        }
        return {};
    }
    [[nodiscard]] std::size_t Reads() const { return reads_; }
    [[nodiscard]] std::uint64_t BytesRead() const { return bytes_read_; }

    void Resize(std::uint64_t size) { size_ = size; }
    // Beyond the end too: the image is enlarged.
    void Put(std::uint64_t offset, std::span<const std::byte> bytes) {
        size_ = std::max(size_, offset + bytes.size());
        for (; !bytes.empty(); bytes = bytes.subspan(Here(offset, bytes.size())), offset += kPage - offset % kPage) {
            const auto part = bytes.first(Here(offset, bytes.size()));
            const auto at = static_cast<std::ptrdiff_t>(offset % kPage);
            std::ranges::copy(part, pages_[offset / kPage].begin() + at);
        }
    }
    template <typename T>
        requires std::is_arithmetic_v<T>
    void Put(std::uint64_t offset, T value) {
        Put(offset, BytesOf(value));
    }
    void Put(std::uint64_t offset, std::string_view text) { Put(offset, std::as_bytes(std::span(text))); }

    [[nodiscard]] std::vector<std::byte> Take(std::uint64_t offset, std::uint64_t length) const {
        std::vector<std::byte> bytes(length);
        Read(offset, bytes).value();
        return bytes;
    }

 private:
    static constexpr std::uint64_t kPage = 4096;
    static std::size_t Here(std::uint64_t offset, std::size_t size) {
        return std::min<std::uint64_t>(size, kPage - offset % kPage);
    }

    std::uint64_t size_;
    std::map<std::uint64_t, std::array<std::byte, kPage>> pages_;
    mutable std::size_t reads_ = 0;
    mutable std::uint64_t bytes_read_ = 0;
};

}  // namespace husk::testing
