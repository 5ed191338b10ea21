// What all system description tables share (ACPI 6.4 §5.2.6): the header, its checksum, and generic addresses
// (§5.2.3.2).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace husk::acpi {

inline constexpr std::string_view kOemId = "HUSK  ";
inline constexpr std::size_t kTableHeaderSize = 36;

// The byte that makes `bytes` and itself sum to zero.
[[nodiscard]] std::uint8_t Checksum(std::span<const std::byte> bytes);

// A finished table: header, then `body`. `signature` has 4 characters.
[[nodiscard]] std::vector<std::byte> MakeTable(std::string_view signature, std::uint8_t revision,
                                               std::span<const std::byte> body);

// A register of a fixed feature.
struct [[gnu::packed]] GenericAddress {
    std::uint8_t space = 0;
    std::uint8_t bit_width = 0;
    std::uint8_t bit_offset = 0;
    std::uint8_t access_size = 0;
    std::uint64_t address = 0;
};
static_assert(sizeof(GenericAddress) == 12);

// One byte at an I/O port: the only kind of fixed register here.
[[nodiscard]] constexpr GenericAddress BytePort(std::uint16_t port) {
    return {.space = 1, .bit_width = 8, .bit_offset = 0, .access_size = 1, .address = port};
}

}  // namespace husk::acpi
