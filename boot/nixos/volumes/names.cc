#include "boot/nixos/volumes/names.h"

#include <algorithm>
#include <cstdint>

namespace husk {
namespace {

char Lower(char letter) { return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter; }

bool IsControl(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

// The bytes of the well-formed UTF-8 character that `text` (not empty) begins with; 0 when there is none (Unicode 15,
// table 3-7).
std::size_t Utf8Length(std::string_view text) {
    const auto at = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char first = at(0);
    if (first < 0x80) return 1;
    const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || text.size() < length) return 0;
    for (std::size_t i = 1; i < length; ++i) {
        if ((at(i) & 0xc0U) != 0x80) return 0;
    }
    const bool overlong = (first == 0xe0 && at(1) < 0xa0) || (first == 0xf0 && at(1) < 0x90);
    const bool surrogate = first == 0xed && at(1) >= 0xa0;
    const bool beyond = first == 0xf4 && at(1) >= 0x90;
    return overlong || surrogate || beyond ? 0 : length;
}

void AppendUtf8(std::string& out, std::uint32_t code) {
    const auto put = [&out](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
    if (code < 0x80) return put(code);
    if (code < 0x800) {
        put(0xc0U | code >> 6);
    } else {
        if (code < 0x1'0000) {
            put(0xe0U | code >> 12);
        } else {
            put(0xf0U | code >> 18);
            put(0x80U | (code >> 12 & 0x3fU));
        }
        put(0x80U | (code >> 6 & 0x3fU));
    }
    put(0x80U | (code & 0x3fU));
}

}  // namespace

Result<std::vector<std::string_view>> SplitPath(std::string_view path) {
    if (!path.starts_with('/')) return Fail(ErrorKind::kBootSource, "a path must start with '/'");
    if (path.size() > kMaxPath) return Fail(ErrorKind::kBootSource, "a path is too long");
    std::vector<std::string_view> parts;
    while (!path.empty()) {
        const std::size_t slash = std::min(path.find('/'), path.size());
        const std::string_view part = path.substr(0, slash);
        path.remove_prefix(std::min(slash + 1, path.size()));
        if (part.empty() || part == ".") continue;
        if (part == "..") return Fail(ErrorKind::kBootSource, "a path must not contain '..'");
        if (parts.size() == kMaxPathDepth) return Fail(ErrorKind::kBootSource, "a path has too many directories");
        parts.push_back(part);
    }
    return parts;
}

bool EqualsIgnoringCase(std::string_view a, std::string_view b) { return std::ranges::equal(a, b, {}, Lower, Lower); }

bool IsPlainName(std::string_view name) {
    return !name.empty() && name != "." && name != ".." &&
           std::ranges::none_of(name, [](char c) { return c == '/' || IsControl(c); });
}

std::string PrintableText(std::span<const std::byte> bytes) {
    std::string_view left(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    left = left.substr(0, left.find('\0'));
    left = left.substr(0, left.find_last_not_of(' ') + 1);
    std::string text;
    while (!left.empty()) {
        const std::size_t length = Utf8Length(left);
        text += length == 0 || IsControl(left[0]) ? std::string_view("?") : left.substr(0, length);
        left.remove_prefix(std::max<std::size_t>(length, 1));
    }
    return text;
}

std::string Utf8FromUtf16(std::u16string_view text) {
    const auto is_high = [](std::uint32_t unit) { return unit >= 0xd800 && unit < 0xdc00; };
    const auto is_low = [](std::uint32_t unit) { return unit >= 0xdc00 && unit < 0xe000; };
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        std::uint32_t code = text[i];
        if (is_high(code) && i + 1 < text.size() && is_low(text[i + 1])) {
            ++i;
            code = 0x1'0000 + ((code - 0xd800) << 10) + (text[i] - 0xdc00U);
        } else if (is_high(code) || is_low(code)) {
            code = 0xfffd;
        }
        AppendUtf8(out, code);
    }
    return out;
}

}  // namespace husk
