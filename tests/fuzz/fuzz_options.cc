// A command line, one argument a line (or between NULs): it is understood or refused with a sentence for the person,
// and nothing else ever happens.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "vmm/cli/net_rules_text.h"
#include "vmm/cli/options.h"

namespace {

void Check(bool holds) {
    if (!holds) std::abort();
}

std::vector<std::string> Split(std::string text) {
    std::vector<std::string> arguments{"husk"};
    std::ranges::replace(text, '\n', '\0');
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find('\0', at), text.size());
        arguments.push_back(text.substr(at, end - at));
        at = end + 1;
    }
    return arguments;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(data, data + size);
    static_cast<void>(husk::ParseSize(text));
    static_cast<void>(husk::ParseConsole(text));
    husk::NetRulesConfig rules;
    const husk::Result<bool> rule = husk::ParseNetRule(text, rules);
    if (!rule) Check(rule.error().Kind() == husk::ErrorKind::kUsage && !rule.error().Message().empty());
    const auto made = husk::MakeNetRules(rules, {}, {}, {});
    Check(made && made->Valid());
    const std::vector<std::string> arguments = Split(text);
    std::vector<const char*> argv;
    for (const std::string& argument : arguments) argv.push_back(argument.c_str());
    argv.push_back(nullptr);
    const auto command = husk::ParseCommandLine(static_cast<int>(arguments.size()), argv.data());
    if (!command) Check(command.error().Kind() == husk::ErrorKind::kUsage && !command.error().Message().empty());
    return 0;
}
