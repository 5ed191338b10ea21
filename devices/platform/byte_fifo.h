// ByteFifo: a first-in first-out buffer of fixed size, as UARTs have them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace husk {

template <std::size_t kCapacity>
class ByteFifo {
 public:
    [[nodiscard]] std::size_t Size() const { return size_; }
    [[nodiscard]] bool Empty() const { return size_ == 0; }
    [[nodiscard]] bool Full() const { return size_ == kCapacity; }

    // Only while not Full().
    void Push(std::uint8_t byte) {
        bytes_[(first_ + size_) % kCapacity] = byte;
        ++size_;
    }

    // Only while not Empty().
    std::uint8_t Pop() {
        const std::uint8_t byte = bytes_[first_];
        first_ = (first_ + 1) % kCapacity;
        --size_;
        return byte;
    }

    void Clear() { size_ = 0; }

 private:
    std::array<std::uint8_t, kCapacity> bytes_{};
    std::size_t first_ = 0;
    std::size_t size_ = 0;
};

}  // namespace husk
