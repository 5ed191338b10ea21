#include "devices/host/terminal.h"

#include <sys/ioctl.h>
#include <termios.h>

#include "vmm/base/syscalls.h"

namespace husk {
namespace {

// As cfmakeraw(3) describes it.
constexpr std::uint32_t kInputOff = IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON;
constexpr std::uint32_t kLocalOff = ECHO | ECHONL | ICANON | ISIG | IEXTEN;
constexpr std::uint32_t kControlOff = CSIZE | PARENB;

}  // namespace

std::optional<TerminalSettings> SettingsOfTerminal(int fd) {
    TerminalSettings settings;
    if (::ioctl(fd, TCGETS, &settings) != 0) return std::nullopt;
    return settings;
}

Result<> MakeTerminalRaw(int fd, const TerminalSettings& settings) {
    TerminalSettings raw = settings;
    raw.input &= ~kInputOff;
    raw.output &= ~std::uint32_t{OPOST};
    raw.local &= ~kLocalOff;
    raw.control = (raw.control & ~kControlOff) | CS8;
    raw.characters[VMIN] = 1;
    raw.characters[VTIME] = 0;
    if (::ioctl(fd, TCSETS, &raw) != 0) return FailOs("cannot set the terminal to raw mode");
    return {};
}

void RestoreTerminal(int fd, const TerminalSettings& settings) { RawIoctl(fd, TCSETS, &settings); }

}  // namespace husk
