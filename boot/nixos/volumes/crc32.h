// The CRC-32 of GPT (UEFI 2.10 §5.3: reflected polynomial 0xedb88320, all ones before and after).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace husk {

[[nodiscard]] inline std::uint32_t Crc32(std::span<const std::byte> bytes) {
    static constexpr auto kTable = [] {
        std::array<std::uint32_t, 256> table{};
        for (std::uint32_t i = 0; i < table.size(); ++i) {
            std::uint32_t value = i;
            for (int bit = 0; bit < 8; ++bit) value = value >> 1 ^ ((value & 1) != 0 ? 0xedb8'8320U : 0);
            table[i] = value;
        }
        return table;
    }();
    std::uint32_t crc = ~0U;
    for (const std::byte byte : bytes) crc = crc >> 8 ^ kTable[(crc ^ std::to_integer<std::uint32_t>(byte)) & 0xffU];
    return ~crc;
}

}  // namespace husk
