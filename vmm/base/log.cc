#include "vmm/base/log.h"

#define SPDLOG_HEADER_ONLY
#define SPDLOG_FMT_EXTERNAL
#define FMT_HEADER_ONLY
#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <algorithm>
#include <memory>
#include <string>

namespace husk {
namespace {

spdlog::level::level_enum ToSpdlog(LogLevel level) {
    switch (level) {
        case LogLevel::kDebug:
            return spdlog::level::debug;
        case LogLevel::kInfo:
            return spdlog::level::info;
        case LogLevel::kWarning:
            return spdlog::level::warn;
        case LogLevel::kError:
            return spdlog::level::err;
        case LogLevel::kOff:
            break;
    }
    return spdlog::level::off;
}

spdlog::logger& Logger() {
    static spdlog::logger logger = [] {
        spdlog::logger made("husk", std::make_shared<spdlog::sinks::stderr_sink_st>());
        made.set_level(spdlog::level::info);
        made.set_pattern("%v");
        return made;
    }();
    return logger;
}

std::string_view Prefix(LogLevel level) {
    switch (level) {
        case LogLevel::kDebug:
            return "husk: debug: ";
        case LogLevel::kWarning:
            return "husk: warning: ";
        default:
            return "husk: ";
    }
}

}  // namespace

std::optional<LogLevel> ParseLogLevel(std::string_view name) {
    if (name == "debug") return LogLevel::kDebug;
    if (name == "info") return LogLevel::kInfo;
    if (name == "warning") return LogLevel::kWarning;
    if (name == "error") return LogLevel::kError;
    if (name == "off") return LogLevel::kOff;
    return std::nullopt;
}

void SetLogLevel(LogLevel level) { Logger().set_level(ToSpdlog(level)); }

void SetLogRawTerminal(bool raw) {
    // The sink ends its lines with the formatter's "\n"; a raw terminal wants the carriage to return first.
    Logger().set_pattern(raw ? "\r%v\r" : "%v");
}

void Log(LogLevel level, std::string_view text) {
    std::string line(Prefix(level));
    line += text;
    std::ranges::replace_if(line, [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
    Logger().log(ToSpdlog(level), "{}", line);
}

}  // namespace husk
