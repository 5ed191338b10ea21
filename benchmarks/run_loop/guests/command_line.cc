#include "command_line.h"

namespace guest {
namespace {

bool EndsWord(char byte) { return byte == '\0' || byte == ' '; }

std::uint64_t Digit(char byte) {
    if (byte >= '0' && byte <= '9') return static_cast<std::uint64_t>(byte - '0');
    if (byte >= 'a' && byte <= 'f') return static_cast<std::uint64_t>(byte - 'a' + 10);
    return 16;
}

}  // namespace

bool CommandLine::Next() {
    while (*rest_ == ' ') ++rest_;
    word_ = rest_;
    while (!EndsWord(*rest_)) ++rest_;
    return word_ != rest_;
}

bool CommandLine::Is(const char* key) const {
    const char* at = word_;
    for (; *key != '\0'; ++key, ++at) {
        if (*at != *key) return false;
    }
    return *at == '=' || EndsWord(*at);
}

std::uint64_t CommandLine::Value(std::uint64_t base) const {
    const char* at = word_;
    while (!EndsWord(*at) && *at != '=') ++at;
    std::uint64_t value = 0;
    if (*at == '=') {
        for (++at; Digit(*at) < base; ++at) value = value * base + Digit(*at);
    }
    return value;
}

}  // namespace guest
