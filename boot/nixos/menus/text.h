// What all the parsers of boot menus share: lines, words, numbers, and texts made fit to be shown to a person.
//
// The input is a stranger's. Every function takes time in proportion to it and reads nothing outside of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace husk::menu_text {

// `text` as it may be shown on a terminal: valid UTF-8 of at most `limit` bytes, cut between characters. A byte that is
// not of UTF-8 becomes '?', as does a character that controls or that turns the direction of writing.
[[nodiscard]] std::string Clean(std::string_view text, std::size_t limit);
// True when Clean would leave `text` as it is, but for its length.
[[nodiscard]] bool IsClean(std::string_view text);
// Clean, of at most boot_limits::kText bytes and in quotation marks: how sentences name things.
[[nodiscard]] std::string Quoted(std::string_view text);

// Takes the first line off `rest`; nothing when there is no more. Lines end in \n, \r\n or \r, or with the text.
[[nodiscard]] std::optional<std::string_view> NextLine(std::string_view& rest);
// Takes the first word off `rest`, and the spaces and tabs around it; empty when there is no more.
[[nodiscard]] std::string_view NextWord(std::string_view& rest);
[[nodiscard]] std::string_view Trim(std::string_view text);  // without spaces and tabs at both ends

// Of ASCII letters only.
[[nodiscard]] std::string LowerCase(std::string_view text);
[[nodiscard]] bool EqualIgnoringCase(std::string_view a, std::string_view b);
[[nodiscard]] bool EndsWithIgnoringCase(std::string_view text, std::string_view end);

[[nodiscard]] constexpr bool IsDigit(char c) { return c >= '0' && c <= '9'; }
// A number of decimal digits and nothing else.
[[nodiscard]] std::optional<std::uint64_t> ParseNumber(std::string_view digits);

}  // namespace husk::menu_text
