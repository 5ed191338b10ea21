// Names in AML (ACPI 6.4 §20.2.2) and compressed EISA identifiers (§6.1.5), encoded at compile time from ASL
// spelling.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string_view>

namespace husk::aml {

// A NameString: "PWRB", "_S5" (short segments are padded with '_', as ASL does) or "\\_SB.PWRB". Misspelt
// literals do not compile.
class NameString {
 public:
    template <std::size_t N>
    consteval NameString(const char (&asl)[N]) {  // implicit: Device("PWRB", ...)
        Parse(std::string_view(asl, N - 1));
    }

    // `letter` and three hexadecimal digits of `number`, e.g. V00A; `number` is below 0x1000.
    [[nodiscard]] static constexpr NameString Numbered(char letter, std::uint32_t number) {
        if (!IsLead(letter) || number >= 0x1000) std::abort();
        constexpr std::string_view kDigits = "0123456789ABCDEF";
        NameString name;
        name.Put(letter);
        for (unsigned shift : {8U, 4U, 0U}) name.Put(kDigits[(number >> shift) & 0xf]);
        return name;
    }

    [[nodiscard]] std::span<const std::byte> Bytes() const { return std::span(bytes_).first(size_); }

 private:
    static constexpr char kRoot = '\\';
    static constexpr std::size_t kSegmentSize = 4;
    static constexpr std::size_t kMaxSegments = 3;

    constexpr NameString() = default;

    static constexpr bool IsLead(char c) { return (c >= 'A' && c <= 'Z') || c == '_'; }
    static constexpr bool IsDigit(char c) { return c >= '0' && c <= '9'; }

    constexpr void Put(char c) { bytes_[size_++] = static_cast<std::byte>(c); }

    constexpr void PutSegment(std::string_view segment) {
        if (segment.empty() || segment.size() > kSegmentSize || !IsLead(segment.front())) std::abort();
        for (char c : segment) {
            if (!IsLead(c) && !IsDigit(c)) std::abort();
            Put(c);
        }
        for (std::size_t i = segment.size(); i < kSegmentSize; ++i) Put('_');
    }

    constexpr void Parse(std::string_view asl) {
        if (asl.starts_with(kRoot)) {
            Put(kRoot);
            asl.remove_prefix(1);
        }
        if (asl.empty()) {
            Put('\0');  // NullName: the root itself
            return;
        }
        std::size_t segments = 1;
        for (char c : asl) segments += c == '.' ? 1 : 0;
        if (segments > kMaxSegments) std::abort();
        if (segments == 2) Put(kDualNamePrefix);
        if (segments > 2) {
            Put(kMultiNamePrefix);
            Put(static_cast<char>(segments));
        }
        for (std::size_t i = 0; i < segments; ++i) {
            const std::size_t end = asl.find('.');
            PutSegment(asl.substr(0, end));
            asl.remove_prefix(end == std::string_view::npos ? asl.size() : end + 1);
        }
    }

    static constexpr char kDualNamePrefix = 0x2e;
    static constexpr char kMultiNamePrefix = 0x2f;

    std::array<std::byte, 3 + kMaxSegments * kSegmentSize> bytes_{};
    std::size_t size_ = 0;
};

// "PNP0501": three letters and four hexadecimal digits in four bytes.
class EisaId {
 public:
    consteval EisaId(const char (&text)[8]) {  // implicit: Integer(EisaId("PNP0501")) and Name("_HID", ...)
        std::uint32_t id = 0;
        for (std::size_t i = 0; i < 7; ++i) id = i < 3 ? id << 5 | Letter(text[i]) : id << 4 | Digit(text[i]);
        value_ = __builtin_bswap32(id);
    }

    [[nodiscard]] constexpr std::uint32_t Value() const { return value_; }

 private:
    static constexpr std::uint32_t Letter(char c) {
        if (c < 'A' || c > 'Z') std::abort();
        return static_cast<std::uint32_t>(c - 'A' + 1);
    }
    static constexpr std::uint32_t Digit(char c) {
        if (c >= '0' && c <= '9') return static_cast<std::uint32_t>(c - '0');
        if (c < 'A' || c > 'F') std::abort();
        return static_cast<std::uint32_t>(c - 'A' + 10);
    }

    std::uint32_t value_ = 0;
};

}  // namespace husk::aml
