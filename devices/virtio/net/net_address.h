// Addresses as frames carry them: MacAddress, IpAddress (IPv4 or IPv6) and IpPrefix. Plain bytes in network order, so
// that they travel in role messages and compare without a thought about byte order.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace husk {

struct MacAddress {
    std::array<std::uint8_t, 6> bytes{};

    // Multicast or broadcast: the first bit on the wire.
    [[nodiscard]] constexpr bool IsGroup() const { return (bytes[0] & 1) != 0; }
    friend constexpr bool operator==(const MacAddress&, const MacAddress&) = default;
};

enum class IpFamily : std::uint8_t { kNone = 0, kV4 = 4, kV6 = 6 };

struct IpAddress {
    IpFamily family = IpFamily::kNone;
    std::array<std::uint8_t, 16> bytes{};  // of IPv4 the first four; the rest is zero

    [[nodiscard]] static constexpr IpAddress V4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) {
        return {IpFamily::kV4, {a, b, c, d}};
    }
    [[nodiscard]] static constexpr IpAddress V6(const std::array<std::uint8_t, 16>& bytes) {
        return {IpFamily::kV6, bytes};
    }
    // fe80:: with the interface identifier that RFC 4291 (appendix A) makes of a MAC address: what a guest without
    // other plans gives itself.
    [[nodiscard]] static constexpr IpAddress LinkLocalOf(const MacAddress& mac) {
        const auto& m = mac.bytes;
        const auto first = static_cast<std::uint8_t>(m[0] ^ 2U);
        return V6({0xfe, 0x80, 0, 0, 0, 0, 0, 0, first, m[1], m[2], 0xff, 0xfe, m[3], m[4], m[5]});
    }

    [[nodiscard]] constexpr unsigned Bits() const {
        return family == IpFamily::kV4 ? 32 : family == IpFamily::kV6 ? 128 : 0;
    }
    // 0.0.0.0 or ::.
    [[nodiscard]] constexpr bool IsUnspecified() const {
        return std::ranges::all_of(bytes, [](std::uint8_t byte) { return byte == 0; });
    }
    [[nodiscard]] constexpr bool IsMulticast() const {
        return family == IpFamily::kV4 ? (bytes[0] & 0xf0) == 0xe0 : bytes[0] == 0xff;
    }
    // 255.255.255.255.
    [[nodiscard]] constexpr bool IsBroadcast() const { return *this == V4(255, 255, 255, 255); }
    // fe80::/10.
    [[nodiscard]] constexpr bool IsLinkLocalV6() const {
        return family == IpFamily::kV6 && bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80;
    }
    friend constexpr bool operator==(const IpAddress&, const IpAddress&) = default;
};

struct IpPrefix {
    IpAddress address;
    std::uint8_t length = 0;  // in bits

    [[nodiscard]] static constexpr IpPrefix Only(const IpAddress& address) {
        return {address, static_cast<std::uint8_t>(address.Bits())};
    }
    [[nodiscard]] constexpr bool Valid() const { return address.Bits() != 0 && length <= address.Bits(); }
    // Call on valid prefixes only. Bits of `address` behind the prefix do not matter.
    [[nodiscard]] constexpr bool Contains(const IpAddress& other) const {
        if (other.family != address.family) return false;
        // How the two differ, as numbers of 64 bits: the front and the back half.
        const auto mine = std::bit_cast<std::array<std::uint64_t, 2>>(address.bytes);
        const auto theirs = std::bit_cast<std::array<std::uint64_t, 2>>(other.bytes);
        const std::uint64_t front = std::byteswap(mine[0] ^ theirs[0]);
        const std::uint64_t back = std::byteswap(mine[1] ^ theirs[1]);
        if (length <= 64) return length == 0 || front >> (64 - length) == 0;
        return front == 0 && back >> (128 - length) == 0;
    }
    friend constexpr bool operator==(const IpPrefix&, const IpPrefix&) = default;
};

static_assert(std::endian::native == std::endian::little);  // Contains() turns bytes around
static_assert(sizeof(MacAddress) == 6 && sizeof(IpAddress) == 17 && sizeof(IpPrefix) == 18);
static_assert(std::is_trivially_copyable_v<IpPrefix> && std::has_unique_object_representations_v<IpPrefix>);

}  // namespace husk
