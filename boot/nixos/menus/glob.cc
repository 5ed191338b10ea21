#include "boot/nixos/menus/glob.h"

#include <algorithm>
#include <optional>

namespace husk {
namespace {

// One step of a pattern that is not a star: whether it takes `c`, and how long it is. Nothing: the pattern is wrong.
struct Step {
    bool takes = false;
    std::size_t length = 0;
};

std::optional<Step> SetStep(std::string_view pattern, char c) {
    std::size_t at = 1;
    const bool inverted = at < pattern.size() && (pattern[at] == '^' || pattern[at] == '!');
    if (inverted) ++at;
    const auto byte = [](char character) { return static_cast<unsigned char>(character); };
    bool found = false;
    for (bool first = true;; first = false) {
        if (at >= pattern.size()) return std::nullopt;
        if (pattern[at] == ']' && !first) return Step{.takes = found != inverted, .length = at + 1};
        if (pattern[at] == '\\' && at + 1 < pattern.size()) ++at;
        const char low = pattern[at++];
        char high = low;
        if (at + 1 < pattern.size() && pattern[at] == '-' && pattern[at + 1] != ']') {
            high = pattern[at + 1];
            at += 2;
        }
        found |= byte(low) <= byte(c) && byte(c) <= byte(high);
    }
}

std::optional<Step> NextStep(std::string_view pattern, char c) {
    switch (pattern.front()) {
        case '?':
            return Step{.takes = true, .length = 1};
        case '[':
            return SetStep(pattern, c);
        case '\\':
            if (pattern.size() < 2) return std::nullopt;
            return Step{.takes = pattern[1] == c, .length = 2};
        default:
            return Step{.takes = pattern.front() == c, .length = 1};
    }
}

}  // namespace

// Only the last star is ever tried again: what an earlier one could take more, the later one can take as well.
bool MatchesGlob(std::string_view pattern, std::string_view text) {
    std::optional<std::string_view> after_star;
    std::string_view star_text;  // what the star has not taken
    for (;;) {
        if (pattern.starts_with('*')) {
            pattern.remove_prefix(1);
            after_star = pattern;
            star_text = text;
            continue;
        }
        if (text.empty()) return pattern.empty();
        const auto step = pattern.empty() ? Step{} : NextStep(pattern, text.front());
        if (!step) return false;
        if (step->takes) {
            pattern.remove_prefix(step->length);
            text.remove_prefix(1);
            continue;
        }
        if (!after_star) return false;
        star_text.remove_prefix(1);
        pattern = *after_star;
        text = star_text;
    }
}

}  // namespace husk
