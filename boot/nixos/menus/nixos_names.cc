#include "boot/nixos/menus/nixos_names.h"

#include <algorithm>

#include "boot/nixos/menus/boot_menu.h"
#include "boot/nixos/menus/text.h"

namespace husk {
namespace {

using menu_text::Clean;
using menu_text::IsDigit;

constexpr auto kNone = std::string_view::npos;

// Whether `text` begins like `form`, in which 0 stands for a digit.
bool BeginsLike(std::string_view text, std::string_view form) {
    return text.size() >= form.size() &&
           std::ranges::equal(text.substr(0, form.size()), form,
                              [](char c, char in_form) { return in_form == '0' ? IsDigit(c) : c == in_form; });
}

// The date that `text` begins with; empty when it does not.
std::string DateAt(std::string_view text) {
    constexpr std::string_view kForm = "0000-00-00";
    return BeginsLike(text, kForm) ? std::string(text.substr(0, kForm.size())) : std::string();
}

std::string_view TakeNumber(std::string_view& text) {
    const std::string_view digits = text.substr(0, text.find_first_not_of("0123456789"));
    text.remove_prefix(digits.size());
    return digits;
}

std::string ShortText(std::string_view text) { return Clean(menu_text::Trim(text), boot_limits::kText); }

// What is between the first `open` and the last `close` of `text`; empty when they are not there.
std::string_view Between(std::string_view text, std::string_view open, char close) {
    const std::size_t from = text.find(open);
    const std::size_t to = text.rfind(close);
    if (from == kNone || to == kNone || to < from + open.size()) return {};
    return text.substr(from + open.size(), to - from - open.size());
}

}  // namespace

std::string FindNixosLabel(std::string_view text) {
    for (std::string_view word; !(word = menu_text::NextWord(text)).empty();) {
        if (!BeginsLike(word, "00.00")) continue;
        return Clean(word.substr(0, word.find_first_of(",()")), boot_limits::kText);
    }
    return {};
}

NixosBuild ReadNixosVersion(std::string_view version) {
    constexpr std::string_view kGeneration = "Generation ";
    NixosBuild build;
    if (!version.starts_with(kGeneration)) return build;
    version.remove_prefix(kGeneration.size());
    build.generation = menu_text::ParseNumber(TakeNumber(version));
    for (const std::string_view built : {", built on ", ", Built on "}) {
        if (const std::size_t at = version.rfind(built); at != kNone) {
            build.date = DateAt(version.substr(at + built.size()));
            version = version.substr(0, at);
            break;
        }
    }
    build.label = FindNixosLabel(version);
    if (build.label.empty()) {
        version = version.substr(0, version.rfind(", Linux Kernel "));
        build.label = ShortText(version.substr(0, version.rfind(" (Linux ")));
    }
    return build;
}

NixosConfiguration ReadNixosConfiguration(std::string_view title) {
    constexpr std::string_view kConfiguration = " - Configuration ";
    NixosConfiguration configuration;
    const std::size_t at = title.find(kConfiguration);
    if (at == kNone) return configuration;
    std::string_view rest = title.substr(at + kConfiguration.size());
    const std::string_view number = TakeNumber(rest);
    const std::string_view tag = rest.substr(0, rest.find(' '));
    if (number.empty() || (!tag.empty() && !tag.starts_with('-'))) return configuration;
    configuration.build.generation = menu_text::ParseNumber(number);
    if (tag.size() > 1 && tag != "-default") configuration.specialisation = ShortText(tag.substr(1));
    const std::string_view details = Between(rest, " (", ')');
    configuration.build.date = DateAt(details);
    if (const std::size_t dash = details.find(" - "); dash != kNone)
        configuration.build.label = ShortText(details.substr(dash + 3));
    return configuration;
}

NixosTitle ReadNixosTitle(std::string_view title) {
    NixosTitle read;
    const std::size_t round = title.find(" (");
    read.profile = ShortText(Between(title.substr(0, round), " [", ']'));
    if (round != kNone && title.ends_with(')')) read.specialisation = ShortText(Between(title, " (", ')'));
    return read;
}

}  // namespace husk
