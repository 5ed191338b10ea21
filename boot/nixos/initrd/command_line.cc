#include "boot/nixos/initrd/command_line.h"

namespace husk {
namespace {

bool IsSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

}  // namespace

std::vector<std::string_view> CommandLineWords(std::string_view line) {
    std::vector<std::string_view> words;
    std::size_t start = 0;
    bool quoted = false;
    for (std::size_t at = 0; at <= line.size(); ++at) {
        if (at < line.size() && line[at] == '"') quoted = !quoted;
        if (at < line.size() && (quoted || !IsSpace(line[at]))) continue;
        if (at > start) words.push_back(line.substr(start, at - start));
        start = at + 1;
    }
    return words;
}

std::vector<std::string_view> CommandLineValues(std::string_view line, std::string_view name) {
    std::vector<std::string_view> values;
    for (std::string_view word : CommandLineWords(line)) {
        if (!word.starts_with(name) || word.substr(name.size()).substr(0, 1) != "=") continue;
        values.push_back(word.substr(name.size() + 1));
    }
    return values;
}

}  // namespace husk
