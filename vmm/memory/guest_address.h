// GuestAddress: a guest-physical address, as a type of its own so that it never mixes with sizes or host pointers.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>

namespace husk {

class GuestAddress {
 public:
    constexpr GuestAddress() = default;
    constexpr explicit GuestAddress(std::uint64_t value) : value_(value) {}

    [[nodiscard]] constexpr std::uint64_t Value() const { return value_; }

    // The address `n` bytes on, or nothing when that wraps past 2^64.
    [[nodiscard]] constexpr std::optional<GuestAddress> CheckedAdd(std::uint64_t n) const {
        std::uint64_t sum = 0;
        if (__builtin_add_overflow(value_, n, &sum)) return std::nullopt;
        return GuestAddress(sum);
    }

    friend constexpr auto operator<=>(GuestAddress, GuestAddress) = default;

 private:
    std::uint64_t value_ = 0;
};

}  // namespace husk
