#include "boot/nixos/menus/text.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "boot/nixos/menus/boot_menu.h"

namespace husk::menu_text {
namespace {

constexpr std::string_view kBlanks = " \t";

struct Character {
    char32_t code = 0;
    std::size_t bytes = 0;  // 0: not UTF-8
};

// The character that `text`, which is not empty, begins with. Only the shortest form of a character is UTF-8.
Character FirstCharacter(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char lead = byte(0);
    if (lead < 0x80) return {lead, 1};
    struct Form {
        unsigned char lead_mask, lead_bits;
        std::size_t bytes;
        char32_t least;
    };
    static constexpr std::array<Form, 3> kForms{
        {{0xe0, 0xc0, 2, 0x80}, {0xf0, 0xe0, 3, 0x800}, {0xf8, 0xf0, 4, 0x10000}}};
    const auto* const form =
        std::ranges::find_if(kForms, [&](const Form& f) { return (lead & f.lead_mask) == f.lead_bits; });
    if (form == kForms.end() || text.size() < form->bytes) return {};
    char32_t code = lead & static_cast<unsigned char>(~form->lead_mask);
    for (std::size_t i = 1; i < form->bytes; ++i) {
        if ((byte(i) & 0xc0) != 0x80) return {};
        code = (code << 6) | (byte(i) & 0x3f);
    }
    const bool surrogate = code >= 0xd800 && code <= 0xdfff;
    if (code < form->least || code > 0x10ffff || surrogate) return {};
    return {code, form->bytes};
}

// Characters that do something to a terminal, or make a text read as another one.
bool Acts(char32_t code) {
    struct Range {
        char32_t first, last;
    };
    static constexpr std::array<Range, 8> kActing{{{0x00, 0x1f},          // C0 controls
                                                   {0x7f, 0x9f},          // DEL and the C1 controls
                                                   {0x061c, 0x061c},      // Arabic letter mark
                                                   {0x200b, 0x200f},      // of no width; direction marks
                                                   {0x2028, 0x202e},      // separators; embeddings and overrides
                                                   {0x2060, 0x206f},      // joiners, isolates, deprecated ones
                                                   {0xfeff, 0xfeff},      // byte order mark
                                                   {0xe0000, 0xe0fff}}};  // tags
    return std::ranges::any_of(kActing, [=](Range range) { return code >= range.first && code <= range.last; });
}

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

std::string Clean(std::string_view text, std::size_t limit) {
    std::string clean;
    while (!text.empty()) {
        const Character character = FirstCharacter(text);
        const std::size_t taken = std::max<std::size_t>(character.bytes, 1);
        const bool shown = character.bytes != 0 && !Acts(character.code);
        const std::string_view piece = shown ? text.substr(0, taken) : "?";
        if (clean.size() + piece.size() > limit) break;
        clean += piece;
        text.remove_prefix(taken);
    }
    return clean;
}

bool IsClean(std::string_view text) {
    while (!text.empty()) {
        const Character character = FirstCharacter(text);
        if (character.bytes == 0 || Acts(character.code)) return false;
        text.remove_prefix(character.bytes);
    }
    return true;
}

std::string Quoted(std::string_view text) { return '"' + Clean(text, boot_limits::kText) + '"'; }

std::optional<std::string_view> NextLine(std::string_view& rest) {
    if (rest.empty()) return std::nullopt;
    const std::size_t end = std::min(rest.find_first_of("\r\n"), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end);
    if (rest.starts_with("\r\n")) {
        rest.remove_prefix(2);
    } else if (!rest.empty()) {
        rest.remove_prefix(1);
    }
    return line;
}

std::string_view NextWord(std::string_view& rest) {
    rest = Trim(rest);
    const std::string_view word = rest.substr(0, rest.find_first_of(kBlanks));
    rest = Trim(rest.substr(word.size()));
    return word;
}

std::string_view Trim(std::string_view text) {
    text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
    return text.substr(0, text.find_last_not_of(kBlanks) + 1);
}

std::string LowerCase(std::string_view text) {
    std::string lower(text);
    std::ranges::transform(lower, lower.begin(), Lower);
    return lower;
}

bool EqualIgnoringCase(std::string_view a, std::string_view b) { return std::ranges::equal(a, b, {}, Lower, Lower); }

bool EndsWithIgnoringCase(std::string_view text, std::string_view end) {
    return text.size() >= end.size() && EqualIgnoringCase(text.substr(text.size() - end.size()), end);
}

std::optional<std::uint64_t> ParseNumber(std::string_view digits) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
    return number;
}

}  // namespace husk::menu_text
