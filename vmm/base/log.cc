#include "vmm/base/log.h"

#define SPDLOG_HEADER_ONLY
#define SPDLOG_FMT_EXTERNAL
#define FMT_HEADER_ONLY
#define SPDLOG_NO_EXCEPTIONS  // its way of telling of one formats numbers: locales again
#include <spdlog/logger.h>
#include <spdlog/sinks/sink.h>

#include <algorithm>
#include <cstdio>
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

// The lines as they are. (spdlog's own sinks begin with a formatter of dates, which brings the locales of the C++
// library.)
class StderrSink : public spdlog::sinks::sink {
 public:
    void SetRaw(bool raw) { raw_ = raw; }
    void log(const spdlog::details::log_msg& message) override {
        // A raw terminal wants the carriage to return as well.
        std::string line = raw_ ? "\r" : "";
        line.append(message.payload.data(), message.payload.size()).append(raw_ ? "\r\n" : "\n");
        std::fwrite(line.data(), 1, line.size(), stderr);
    }
    void flush() override { std::fflush(stderr); }
    void set_pattern(const std::string&) override {}
    void set_formatter(std::unique_ptr<spdlog::formatter>) override {}

 private:
    bool raw_ = false;
};

const std::shared_ptr<StderrSink>& Sink() {
    static const auto sink = std::make_shared<StderrSink>();
    return sink;
}

spdlog::logger& Logger() {
    static spdlog::logger logger = [] {
        spdlog::logger made("husk", Sink());
        made.set_level(spdlog::level::info);
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

void SetLogRawTerminal(bool raw) { Sink()->SetRaw(raw); }

void Log(LogLevel level, std::string_view text) {
    std::string line(Prefix(level));
    line += text;
    std::ranges::replace_if(line, [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
    Logger().log(ToSpdlog(level), spdlog::string_view_t(line));
}

}  // namespace husk
