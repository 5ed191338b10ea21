#include "devices/host/terminal.h"

namespace husk {

std::optional<termios> TerminalSettings(int fd) {
    termios settings{};
    if (::tcgetattr(fd, &settings) != 0) return std::nullopt;
    return settings;
}

Result<> MakeTerminalRaw(int fd, const termios& settings) {
    termios raw = settings;
    ::cfmakeraw(&raw);
    if (::tcsetattr(fd, TCSANOW, &raw) != 0) return FailOs("cannot set the terminal to raw mode");
    return {};
}

void RestoreTerminal(int fd, const termios& settings) { ::tcsetattr(fd, TCSANOW, &settings); }

}  // namespace husk
