#include "boot/nixos/menus/version_order.h"

#include <algorithm>

#include "boot/nixos/menus/text.h"

namespace husk {
namespace {

using menu_text::IsDigit;

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool Counts(char c) { return IsDigit(c) || IsLetter(c) || c == '~' || c == '-' || c == '^' || c == '.'; }

template <typename Predicate>
std::string_view TakeWhile(std::string_view& text, Predicate predicate) {
    const auto end = std::ranges::find_if_not(text, predicate);
    const std::string_view taken = text.substr(0, static_cast<std::size_t>(end - text.begin()));
    text.remove_prefix(taken.size());
    return taken;
}

// Decimal numbers of any length.
std::weak_ordering CompareNumbers(std::string_view a, std::string_view b) {
    a.remove_prefix(std::min(a.find_first_not_of('0'), a.size()));
    b.remove_prefix(std::min(b.find_first_not_of('0'), b.size()));
    if (a.size() != b.size()) return a.size() <=> b.size();
    return a <=> b;
}

// The text with `mark` in front is the lower one; when both have it, it is dropped from both.
std::weak_ordering CompareMarks(char mark, std::string_view& a, std::string_view& b) {
    const bool in_a = a.starts_with(mark);
    const bool in_b = b.starts_with(mark);
    if (in_a && in_b) {
        a.remove_prefix(1);
        b.remove_prefix(1);
    }
    return in_b <=> in_a;
}

}  // namespace

// The steps are the specification's, by its numbers. Every turn takes something off a text or ends.
std::weak_ordering CompareVersions(std::string_view a, std::string_view b) {
    for (;;) {
        TakeWhile(a, [](char c) { return !Counts(c); });  // 1
        TakeWhile(b, [](char c) { return !Counts(c); });
        if (const auto order = CompareMarks('~', a, b); order != 0) return order;  // 2
        if (a.empty() || b.empty()) return !a.empty() <=> !b.empty();              // 3
        for (const char mark : {'-', '^', '.'}) {                                  // 4, 5, 6
            if (const auto order = CompareMarks(mark, a, b); order != 0) return order;
        }
        if ((!a.empty() && IsDigit(a.front())) || (!b.empty() && IsDigit(b.front()))) {  // 7
            const auto order = CompareNumbers(TakeWhile(a, IsDigit), TakeWhile(b, IsDigit));
            if (order != 0) return order;
            continue;
        }
        // 8. ASCII has the capital letters first.
        if (const auto order = TakeWhile(a, IsLetter) <=> TakeWhile(b, IsLetter); order != 0) return order;
    }
}

}  // namespace husk
