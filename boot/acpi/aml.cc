#include "boot/acpi/aml.h"

#include <cstdlib>

namespace husk::aml {
namespace {

// §20.2.5 and §20.3.
enum class Op : std::uint8_t {
    kZero = 0x00,
    kOne = 0x01,
    kName = 0x08,
    kByte = 0x0a,
    kWord = 0x0b,
    kDWord = 0x0c,
    kString = 0x0d,
    kQWord = 0x0e,
    kScope = 0x10,
    kBuffer = 0x11,
    kPackage = 0x12,
    kMethod = 0x14,
    kExtended = 0x5b,
    kArgument0 = 0x68,
    kNotify = 0x86,
    kEqual = 0x93,
    kIf = 0xa0,
};
constexpr std::uint8_t kExtendedDevice = 0x82;
constexpr unsigned kMaxArguments = 7;

Code Raw(std::span<const std::byte> bytes) { return Code(std::vector(bytes.begin(), bytes.end())); }
Code Byte(std::uint64_t value) { return Code(std::vector{static_cast<std::byte>(value)}); }
Code Byte(Op op) { return Byte(static_cast<std::uint8_t>(op)); }

Code LittleEndian(std::uint64_t value, std::size_t size) {
    Code code;
    for (std::size_t i = 0; i < size; ++i) code += Byte(value >> (8 * i) & 0xff);
    return code;
}

// A package of byte code: what follows the opcode is preceded by its length.
Code WithLength(const Code& content) { return {PkgLength(content.Bytes().size()), content}; }

}  // namespace

Code::Code(std::initializer_list<Code> terms) {
    for (const Code& term : terms) *this += term;
}

Code& Code::operator+=(const Code& next) {
    bytes_.insert(bytes_.end(), next.bytes_.begin(), next.bytes_.end());
    return *this;
}

// One byte holds 6 bits of length. Otherwise its two top bits count the bytes that follow, its low four are
// the lowest of the length, and each byte that follows holds eight more.
Code PkgLength(std::size_t content) {
    if (content + 1 < 64) return Byte(content + 1);
    for (std::size_t following = 1; following <= 3; ++following) {
        const std::size_t length = content + 1 + following;
        if (length >> (4 + 8 * following) == 0) {
            return {Byte(following << 6 | (length & 0xf)), LittleEndian(length >> 4, following)};
        }
    }
    std::abort();
}

Code Integer(std::uint64_t value) {
    if (value == 0) return Byte(Op::kZero);
    if (value == 1) return Byte(Op::kOne);
    if (value <= 0xff) return {Byte(Op::kByte), LittleEndian(value, 1)};
    if (value <= 0xffff) return {Byte(Op::kWord), LittleEndian(value, 2)};
    if (value <= 0xffff'ffff) return {Byte(Op::kDWord), LittleEndian(value, 4)};
    return {Byte(Op::kQWord), LittleEndian(value, 8)};
}

Code Integer(EisaId id) { return Integer(id.Value()); }

Code String(std::string_view ascii) {
    for (const char c : ascii) {
        const auto code = static_cast<unsigned char>(c);
        if (code < 0x01 || code > 0x7f) std::abort();
    }
    return {Byte(Op::kString), Raw(std::as_bytes(std::span(ascii))), Byte(0)};
}

Code Buffer(std::span<const std::byte> bytes) {
    return {Byte(Op::kBuffer), WithLength({Integer(bytes.size()), Raw(bytes)})};
}

Code Package(std::initializer_list<Code> elements) {
    if (elements.size() > 0xff) std::abort();
    return {Byte(Op::kPackage), WithLength({Byte(elements.size()), Code(elements)})};
}

Code Name(NameString name, const Code& value) { return {Byte(Op::kName), Raw(name.Bytes()), value}; }

Code Scope(NameString name, const Code& terms) { return {Byte(Op::kScope), WithLength({Raw(name.Bytes()), terms})}; }

Code Device(NameString name, const Code& terms) {
    return {Byte(Op::kExtended), Byte(kExtendedDevice), WithLength({Raw(name.Bytes()), terms})};
}

Code Method(NameString name, unsigned arguments, Serialize serialize, const Code& terms) {
    if (arguments > kMaxArguments) std::abort();
    const unsigned flags = arguments | (serialize == Serialize::kYes ? 0x08U : 0U);
    return {Byte(Op::kMethod), WithLength({Raw(name.Bytes()), Byte(flags), terms})};
}

Code Argument(unsigned index) {
    if (index >= kMaxArguments) std::abort();
    return Byte(static_cast<std::uint8_t>(Op::kArgument0) + index);
}

Code Equal(const Code& left, const Code& right) { return {Byte(Op::kEqual), left, right}; }

Code If(const Code& predicate, const Code& terms) { return {Byte(Op::kIf), WithLength({predicate, terms})}; }

Code Notify(NameString object, const Code& value) { return {Byte(Op::kNotify), Raw(object.Bytes()), value}; }

}  // namespace husk::aml
