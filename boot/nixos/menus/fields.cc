#include "boot/nixos/menus/fields.h"

#include <algorithm>
#include <vector>

#include "boot/nixos/menus/boot_menu.h"
#include "boot/nixos/menus/text.h"

namespace husk {
namespace {

std::unexpected<Error> Refuse(std::string sentence) { return Fail(ErrorKind::kBootSource, std::move(sentence)); }

std::unexpected<Error> TooLong(std::string_view what, std::size_t limit) {
    return Refuse(std::string(what) + " is longer than " + std::to_string(limit) + " bytes");
}

}  // namespace

Result<std::string> ResolvePath(std::string_view directory, std::string_view path) {
    if (path.empty()) return Refuse("a path is empty");
    if (!menu_text::IsClean(path)) return Refuse("the path " + menu_text::Quoted(path) + " has unprintable characters");
    if (path.size() > boot_limits::kPath) return TooLong("the path " + menu_text::Quoted(path), boot_limits::kPath);
    std::string whole = path.starts_with('/') ? std::string() : std::string(directory) + '/';
    whole += path;
    std::vector<std::string_view> steps;
    for (std::string_view rest = whole; !rest.empty();) {
        const std::string_view step = rest.substr(0, rest.find('/'));
        rest.remove_prefix(std::min(step.size() + 1, rest.size()));
        if (step.empty() || step == ".") continue;
        if (step != "..") {
            steps.push_back(step);
            continue;
        }
        if (steps.empty()) return Refuse("the path " + menu_text::Quoted(path) + " leads out of the file system");
        steps.pop_back();
    }
    std::string resolved;
    for (const std::string_view step : steps) resolved.append("/").append(step);
    if (resolved.empty()) return Refuse("the path " + menu_text::Quoted(path) + " names no file");
    if (resolved.size() > boot_limits::kPath) return TooLong("the path " + menu_text::Quoted(path), boot_limits::kPath);
    return resolved;
}

Result<std::string> CheckCommandLine(std::string_view parameters) {
    std::string line;
    HUSK_TRY(AppendParameters(line, parameters));
    return line;
}

Result<> AppendParameters(std::string& line, std::string_view parameters) {
    parameters = menu_text::Trim(parameters);
    if (parameters.empty()) return {};
    if (line.size() + 1 + parameters.size() > boot_limits::kCommandLine)
        return TooLong("the kernel command line", boot_limits::kCommandLine);
    std::string more(parameters);
    std::ranges::replace(more, '\t', ' ');
    if (!menu_text::IsClean(more)) return Refuse("the kernel command line has unprintable characters");
    if (!line.empty()) line += ' ';
    line += more;
    return {};
}

}  // namespace husk
