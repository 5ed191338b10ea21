// The values of options that have a syntax of their own.
#include <charconv>
#include <cstdint>
#include <string_view>

#include "vmm/cli/options.h"

namespace husk {

Result<std::uint32_t> ParseCpus(const std::string& text) {
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) {
        return Fail(ErrorKind::kUsage, "--cpus takes a whole number, not \"" + text + "\"");
    }
    return number;
}

Result<std::uint64_t> ParseSize(const std::string& text) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const std::string_view unit(end, text.data() + text.size());
    unsigned shift = 0;
    if (unit == "K" || unit == "k") {
        shift = 10;
    } else if (unit == "M" || unit == "m") {
        shift = 20;
    } else if (unit == "G" || unit == "g") {
        shift = 30;
    } else if (!unit.empty()) {
        shift = 64;
    }
    if (error != std::errc() || shift == 64) {
        return Fail(ErrorKind::kUsage, "\"" + text + "\" is not a size: write it like 512M, 2G or 262144K");
    }
    if (number > (~std::uint64_t{0} >> shift))
        return Fail(ErrorKind::kUsage, "\"" + text + "\" is more than any host has");
    return number << shift;
}

}  // namespace husk
