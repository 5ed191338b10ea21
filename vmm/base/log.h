// The logging seam: the only way to the user's stderr, over spdlog. For the launcher alone: confined roles report by
// fixed-size messages, and the launcher finds the words.
#pragma once

#include <optional>
#include <string_view>

namespace husk {

enum class LogLevel { kDebug, kInfo, kWarning, kError, kOff };

// "debug", "info", "warning", "error", "off".
[[nodiscard]] std::optional<LogLevel> ParseLogLevel(std::string_view name);

void SetLogLevel(LogLevel level);
// While the terminal is in raw mode, a line needs a carriage return too.
void SetLogRawTerminal(bool raw);

// One line: "husk: text", with the level in front when it is a warning or worse. Control characters in `text` are
// replaced, since it may come from a role that a guest has taken over.
void Log(LogLevel level, std::string_view text);

}  // namespace husk
