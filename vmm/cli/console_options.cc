// The values of --console, --log-console and --port.
#include <algorithm>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "devices/host/console_log.h"
#include "devices/host/unix_listener.h"
#include "devices/virtio/console/console_config.h"
#include "vmm/cli/comma_list.h"
#include "vmm/cli/options.h"

namespace husk {

Result<ConsoleTarget> ParseConsole(const std::string& text) {
    using Kind = ConsoleTarget::Kind;
    if (text == "stdio") return ConsoleTarget{.kind = Kind::kStdio, .path = {}};
    if (text == "pty") return ConsoleTarget{.kind = Kind::kPty, .path = {}};
    if (text == "none") return ConsoleTarget{.kind = Kind::kNone, .path = {}};
    if (text.starts_with("unix=") && text.size() > 5) return ConsoleTarget{.kind = Kind::kUnix, .path = text.substr(5)};
    if (text.starts_with("file=") && text.size() > 5) {
        const std::vector<std::string> parts = SplitAtCommas(text.substr(5));
        const bool raw = parts.size() == 2 && parts[1] == "raw";
        if (!parts[0].empty() && (parts.size() == 1 || raw))
            return ConsoleTarget{.kind = Kind::kFile, .path = parts[0], .raw = raw};
    }
    return Fail(ErrorKind::kUsage,
                "--console takes stdio, pty, unix=PATH, file=PATH[,raw] or none, not \"" + text + "\"");
}

Result<ConsoleLogTarget> ParseConsoleLog(const std::string& text) {
    std::vector<std::string> parts = SplitAtCommas(text);
    ConsoleLogTarget log{.path = std::move(parts.front()), .max = kConsoleLogDefaultMax, .raw = false};
    if (log.path.empty()) {
        return Fail(ErrorKind::kUsage, "--log-console takes FILE[,max=SIZE][,raw], not \"" + text + "\"");
    }
    for (const std::string& part : std::span(parts).subspan(1)) {
        if (part == "raw") {
            log.raw = true;
        } else if (part.starts_with("max=")) {
            log.max = HUSK_TRY_IN("--log-console", ParseSize(part.substr(4)));
        } else {
            return Fail(ErrorKind::kUsage,
                        "--log-console " + log.path + ": \"" + part + "\" is neither max=SIZE nor raw");
        }
    }
    if (log.max < kConsoleLogLeastMax) {
        return Fail(ErrorKind::kUsage, "--log-console " + log.path + ": max must be 128K or more");
    }
    return log;
}

Result<PortConfig> ParsePort(const std::string& text) {
    constexpr std::string_view kName = "name=";
    constexpr std::string_view kPath = ",unix=";
    const std::size_t comma = text.find(kPath);
    if (!text.starts_with(kName) || comma == std::string::npos) {
        return Fail(ErrorKind::kUsage, "--port takes name=NAME,unix=PATH, not \"" + text + "\"");
    }
    PortConfig port{.name = text.substr(kName.size(), comma - kName.size()), .path = text.substr(comma + kPath.size())};
    // It becomes a file's name in the guest.
    const bool usual = std::ranges::all_of(port.name, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
               c == '-';
    });
    if (!usual || port.name.empty() || port.name.size() > console_config::kMaxPortName || port.name[0] == '.' ||
        port.name[0] == '-') {
        return Fail(ErrorKind::kUsage,
                    "--port: a name has 1 to 63 letters, digits, dots, hyphens and underscores, and "
                    "begins with neither dot nor hyphen; not \"" +
                        port.name + "\"");
    }
    if (port.path.empty() || port.path.size() > UnixListener::kMaxPath) {
        return Fail(ErrorKind::kUsage,
                    "--port " + port.name + ": the path of its socket must have 1 to 107 bytes: " + port.path);
    }
    return port;
}

}  // namespace husk
