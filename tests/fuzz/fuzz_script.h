// A fuzzer's input as a script: byte by byte, and what every target checks with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>

namespace husk::fuzz {

inline void Check(bool holds) {
    if (!holds) std::abort();
}

// Zeros after its end.
class Script {
 public:
    Script(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}
    [[nodiscard]] bool Ended() const { return at_ >= size_; }
    std::uint8_t Byte() { return at_ < size_ ? data_[at_++] : 0; }
    std::uint16_t Word() { return static_cast<std::uint16_t>(Byte() | Byte() << 8); }

 private:
    const std::uint8_t* data_;
    std::size_t size_;
    std::size_t at_ = 0;
};

}  // namespace husk::fuzz
