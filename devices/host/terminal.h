// The person's terminal: raw while a guest has it, as it was before on every way out.
//
// The kernel's own struct and requests, not those of the C library: a sealed role restores the terminal by one ioctl.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "vmm/base/result.h"

namespace husk {

// struct termios of the kernel (asm-generic/termbits.h).
struct TerminalSettings {
    std::uint32_t input = 0;
    std::uint32_t output = 0;
    std::uint32_t control = 0;
    std::uint32_t local = 0;
    std::uint8_t line = 0;
    std::array<std::uint8_t, 19> characters{};
};
static_assert(sizeof(TerminalSettings) == 36 && offsetof(TerminalSettings, characters) == 17);

// The settings of the terminal behind `fd`, or nothing when it is no terminal.
[[nodiscard]] std::optional<TerminalSettings> SettingsOfTerminal(int fd);

// Every key goes through as it is, and output is not changed on its way.
[[nodiscard]] Result<> MakeTerminalRaw(int fd, const TerminalSettings& settings);

// Async-signal-safe, and usable after sealing. Output that is still on its way is not thrown away.
void RestoreTerminal(int fd, const TerminalSettings& settings);

}  // namespace husk
