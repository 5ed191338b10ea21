// The descriptor tables a kernel is entered with, and the segment registers that match them.
//
// One table for each way in, with the same selectors: those of the 64-bit boot protocol (Linux
// Documentation/arch/x86/boot.rst: __BOOT_CS is 0x10 and __BOOT_DS is 0x18). PVH leaves the selectors free,
// but wants a 32-bit code segment. All segments are flat (base 0, limit 4 GiB) and marked as accessed, as
// virtualised segment registers have to be.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace husk {

// Selectors: a register holds one of these, and below it the state that DecodeSegment() gives.
inline constexpr std::uint16_t kBootCode = 0x10;  // cs: __BOOT_CS
inline constexpr std::uint16_t kBootData = 0x18;  // ds, es, fs, gs, ss: __BOOT_DS
inline constexpr std::uint16_t kBootTss = 0x20;   // tr: base 0, limit 0x67; two entries long in long mode

// Intel SDM vol. 3, 3.4.5 (code and data) and 7.2 (TSS).
using BootGdt = std::array<std::uint64_t, 6>;
inline constexpr std::uint64_t kData32 = 0x00cf'9300'0000'ffff;  // read, write
inline constexpr std::uint64_t kBusyTss = 0x0000'8b00'0000'0067;
inline constexpr BootGdt kBootGdtLong64 = {0, 0, 0x00af'9b00'0000'ffff, kData32, kBusyTss, 0};
inline constexpr BootGdt kBootGdtProtected32 = {0, 0, 0x00cf'9b00'0000'ffff, kData32, kBusyTss, 0};
inline constexpr std::uint16_t kBootGdtLimit = sizeof(BootGdt) - 1;

// A segment register as a CPU caches it; the fields are those of KVM's struct kvm_segment.
struct SegmentState {
    std::uint16_t selector = 0;
    std::uint64_t base = 0;
    std::uint32_t limit = 0;  // in bytes, granularity applied
    std::uint8_t type = 0;
    std::uint8_t dpl = 0;
    bool code_or_data = false;  // S
    bool present = false;       // P
    bool long_mode = false;     // L
    bool default_big = false;   // D/B
    bool granular = false;      // G
};

// What a register caches once it has loaded `selector`; an absent segment for anything but the constants
// above.
[[nodiscard]] constexpr SegmentState DecodeSegment(const BootGdt& gdt, std::uint16_t selector) {
    const std::size_t index = selector / 8U;
    const std::uint64_t raw = index < gdt.size() ? gdt[index] : 0;
    const auto bit = [raw](unsigned n) { return ((raw >> n) & 1) != 0; };
    const bool granular = bit(55);
    const auto limit = static_cast<std::uint32_t>((raw & 0xffff) | ((raw >> 32) & 0xf'0000));
    return {.selector = selector,
            .base = ((raw >> 16) & 0xff'ffff) | ((raw >> 32) & 0xff00'0000),
            .limit = granular ? (limit << 12) | 0xfff : limit,
            .type = static_cast<std::uint8_t>((raw >> 40) & 0xf),
            .dpl = static_cast<std::uint8_t>((raw >> 45) & 3),
            .code_or_data = bit(44),
            .present = bit(47),
            .long_mode = bit(53),
            .default_big = bit(54),
            .granular = granular};
}

}  // namespace husk
