// The filter of the console's log, whatever a guest prints: no ESC and no other control comes out but line feed and
// tab, all of it is UTF-8, no more comes out than went in, and how it was split does not matter.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "devices/host/escape_filter.h"

namespace {

using husk::EscapeSequenceFilter;

void Check(bool holds) {
    if (!holds) std::abort();
}

// The input in pieces of so many bytes.
std::vector<std::byte> Filtered(std::span<const std::byte> text, std::size_t piece) {
    EscapeSequenceFilter filter;
    std::vector<std::byte> all;
    std::vector<std::byte> plain(piece + EscapeSequenceFilter::kHeldBack);
    for (std::size_t at = 0; at < text.size(); at += piece) {
        const auto part = text.subspan(at, std::min(piece, text.size() - at));
        const std::size_t count = filter.Filter(part, plain);
        Check(count <= part.size() + EscapeSequenceFilter::kHeldBack);
        all.insert(all.end(), plain.begin(), plain.begin() + static_cast<std::ptrdiff_t>(count));
    }
    return all;
}

// By the table of well-formed byte sequences in the Unicode standard (D92), said once more.
std::uint32_t NextCharacter(std::span<const std::byte> text, std::size_t& at) {
    const auto byte = [&](std::size_t i) -> std::uint32_t {
        Check(i < text.size());
        return std::to_integer<std::uint32_t>(text[i]);
    };
    const std::uint32_t lead = byte(at);
    const std::size_t length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    std::uint32_t value = length == 1 ? lead : lead & (0xffU >> (length + 1));
    for (std::size_t i = 1; i < length; ++i) {
        Check((byte(at + i) & 0xc0) == 0x80);
        value = value << 6 | (byte(at + i) & 0x3f);
    }
    constexpr std::array<std::uint32_t, 4> kLeast{0, 0x80, 0x800, 0x1'0000};
    Check((length == 1 || lead >= 0xc0) && value >= kLeast[length - 1] && value <= 0x10'ffff);
    Check(value < 0xd800 || value > 0xdfff);
    at += length;
    return value;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 1) return 0;
    const auto text = std::as_bytes(std::span(data, size)).subspan(1);
    const std::vector<std::byte> plain = Filtered(text, std::max<std::size_t>(text.size(), 1));
    Check(plain.size() <= text.size());
    for (std::size_t at = 0; at < plain.size();) {
        const std::uint32_t character = NextCharacter(plain, at);
        Check(character >= 0x20 || character == '\n' || character == '\t');
        Check(character < 0x7f || character > 0x9f);
    }
    Check(Filtered(text, 1U + data[0] % 16U) == plain);
    return 0;
}
