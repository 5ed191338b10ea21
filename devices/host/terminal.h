// The person's terminal: raw while a guest has it, as it was before on every way out.
#pragma once

#include <termios.h>

#include <optional>

#include "vmm/base/result.h"

namespace husk {

// The settings of the terminal behind `fd`, or nothing when it is no terminal.
[[nodiscard]] std::optional<termios> TerminalSettings(int fd);

// Every key goes through as it is, and output is not changed on its way.
[[nodiscard]] Result<> MakeTerminalRaw(int fd, const termios& settings);

// Async-signal-safe. Output that is still on its way is not thrown away.
void RestoreTerminal(int fd, const termios& settings);

}  // namespace husk
