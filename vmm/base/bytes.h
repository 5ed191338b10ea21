// Little-endian values in byte ranges: wire layouts of boot protocols, registers, messages. Checked, copying.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <type_traits>

namespace husk {

// A copy of the T at `offset`, or nothing when the range ends before its last byte.
template <typename T>
    requires std::is_trivially_copyable_v<T>
[[nodiscard]] std::optional<T> LoadAt(std::span<const std::byte> bytes, std::size_t offset) {
    if (offset > bytes.size() || bytes.size() - offset < sizeof(T)) return std::nullopt;
    T value;
    std::memcpy(&value, bytes.data() + offset, sizeof value);
    return value;
}

// The first min(size, 8) bytes as a number: what a bus access of 1, 2, 4 or 8 bytes carries.
[[nodiscard]] inline std::uint64_t LoadLittleEndian(std::span<const std::byte> bytes) {
    std::uint64_t value = 0;
    std::ranges::copy(bytes.first(std::min(bytes.size(), sizeof value)),
                      std::as_writable_bytes(std::span(&value, 1)).begin());
    return value;
}

// Fills `bytes` with the low end of `value`, zero beyond its eighth byte.
inline void StoreLittleEndian(std::span<std::byte> bytes, std::uint64_t value) {
    const std::size_t size = std::min(bytes.size(), sizeof value);
    std::ranges::copy(std::as_bytes(std::span(&value, 1)).first(size), bytes.begin());
    std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(size), bytes.end(), std::byte{0});
}

// What a read finds where nobody answers: all ones.
inline void FillOnes(std::span<std::byte> bytes) { std::ranges::fill(bytes, std::byte{0xff}); }

// The bytes of a trivially copyable value.
template <typename T>
    requires std::is_trivially_copyable_v<T>
[[nodiscard]] std::span<const std::byte> BytesOf(const T& value) {
    return std::as_bytes(std::span(&value, 1));
}

}  // namespace husk
