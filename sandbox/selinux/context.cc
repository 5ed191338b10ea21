#include "sandbox/selinux/context.h"

#include <algorithm>
#include <charconv>

namespace husk {
namespace {

// "c12" with the letter `letter`: 12. At most `limit` - 1, without sign or leading zeros.
std::optional<unsigned> ParseNumbered(std::string_view text, char letter, unsigned limit) {
    if (text.size() < 2 || text.front() != letter) return std::nullopt;
    text.remove_prefix(1);
    if (text.size() > 1 && text.front() == '0') return std::nullopt;
    unsigned number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size() || number >= limit) return std::nullopt;
    return number;
}

// "c3" or "c3.c5", added to `categories`.
bool AddCategories(std::string_view text, CategorySet& categories) {
    const std::size_t dot = text.find('.');
    const auto first = ParseNumbered(text.substr(0, dot), 'c', kCategories);
    const auto last = dot == std::string_view::npos ? first : ParseNumbered(text.substr(dot + 1), 'c', kCategories);
    if (!first || !last || *last < *first) return false;
    for (unsigned category = *first; category <= *last; ++category) categories.set(category);
    return true;
}

// What the names in a context are made of.
bool IsName(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
               c == '.';
    });
}

}  // namespace

bool SecurityLevel::Dominates(const SecurityLevel& other) const {
    return sensitivity >= other.sensitivity && (other.categories & ~categories).none();
}

std::string SecurityLevel::ToString() const {
    std::string text = "s" + std::to_string(sensitivity);
    char separator = ':';
    for (unsigned first = 0; first < kCategories; ++first) {
        if (!categories.test(first)) continue;
        unsigned last = first;
        while (last + 1 < kCategories && categories.test(last + 1)) ++last;
        text += separator + ("c" + std::to_string(first));
        if (last != first) text += (last == first + 1 ? ",c" : ".c") + std::to_string(last);
        separator = ',';
        first = last;
    }
    return text;
}

std::optional<SecurityLevel> SecurityLevel::Parse(std::string_view text) {
    const std::size_t colon = text.find(':');
    const auto sensitivity = ParseNumbered(text.substr(0, colon), 's', kCategories);
    if (!sensitivity) return std::nullopt;
    SecurityLevel level{.sensitivity = *sensitivity, .categories = {}};
    if (colon == std::string_view::npos) return level;
    for (std::string_view rest = text.substr(colon + 1);;) {
        const std::size_t comma = rest.find(',');
        if (!AddCategories(rest.substr(0, comma), level.categories)) return std::nullopt;
        if (comma == std::string_view::npos) return level;
        rest.remove_prefix(comma + 1);
    }
}

std::optional<SecurityRange> SecurityRange::Parse(std::string_view text) {
    if (text.size() > kMaxContextLength) return std::nullopt;
    const std::size_t dash = text.find('-');
    const auto low = SecurityLevel::Parse(text.substr(0, dash));
    const auto high = dash == std::string_view::npos ? low : SecurityLevel::Parse(text.substr(dash + 1));
    if (!low || !high || !high->Dominates(*low)) return std::nullopt;
    return SecurityRange{*low, *high};
}

std::string SecurityContext::ToString() const {
    return user + ":" + role + ":" + type + (range.empty() ? "" : ":" + range);
}

SecurityContext SecurityContext::WithRange(std::string_view new_range) const {
    return {user, role, type, std::string(new_range)};
}

CategorySet SecurityContext::Categories() const {
    const auto parsed = SecurityRange::Parse(range);
    return parsed ? parsed->low.categories : CategorySet{};
}

std::optional<SecurityContext> SecurityContext::Parse(std::string_view text) {
    if (text.size() > kMaxContextLength) return std::nullopt;
    const std::size_t role = text.find(':');
    if (role == std::string_view::npos) return std::nullopt;
    const std::size_t type = text.find(':', role + 1);
    if (type == std::string_view::npos) return std::nullopt;
    const std::size_t range = text.find(':', type + 1);
    SecurityContext context{.user = std::string(text.substr(0, role)),
                            .role = std::string(text.substr(role + 1, type - role - 1)),
                            .type = std::string(text.substr(type + 1, range - type - 1)),
                            .range = {}};
    if (!IsName(context.user) || !IsName(context.role) || !IsName(context.type)) return std::nullopt;
    if (range == std::string_view::npos) return context;
    context.range = text.substr(range + 1);
    if (!SecurityRange::Parse(context.range)) return std::nullopt;
    return context;
}

}  // namespace husk
