// A small AML writer (ACPI 6.4 §20.2): each function returns the byte code of one ASL term, and terms are put
// together by value, so that a device reads like its ASL:
//
//     Device("PWRB", {Name("_HID", Integer(EisaId("PNP0C0C"))), Name("_UID", Integer(0))})
//
// Only what our DSDT says can be written. Arguments outside of what AML can encode are our own bugs and
// abort.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>
#include <vector>

#include "boot/acpi/aml_name.h"

namespace husk::aml {

// Byte code: one term, or several one after the other.
class Code {
 public:
    Code() = default;
    Code(std::initializer_list<Code> terms);
    explicit Code(std::vector<std::byte> bytes) : bytes_(std::move(bytes)) {}

    Code& operator+=(const Code& next);
    [[nodiscard]] std::span<const std::byte> Bytes() const { return bytes_; }

 private:
    std::vector<std::byte> bytes_;
};

// The PkgLength that stands before `content` bytes; it counts itself (§20.2.4).
[[nodiscard]] Code PkgLength(std::size_t content);

// Data objects. An integer takes the shortest of its encodings.
[[nodiscard]] Code Integer(std::uint64_t value);
[[nodiscard]] Code Integer(EisaId id);
[[nodiscard]] Code String(std::string_view ascii);
[[nodiscard]] Code Buffer(std::span<const std::byte> bytes);
[[nodiscard]] Code Package(std::initializer_list<Code> elements);  // at most 255

// Named objects.
[[nodiscard]] Code Name(NameString name, const Code& value);
[[nodiscard]] Code Scope(NameString name, const Code& terms);
[[nodiscard]] Code Device(NameString name, const Code& terms);
enum class Serialize : bool { kNo = false, kYes = true };
[[nodiscard]] Code Method(NameString name, unsigned arguments, Serialize serialize, const Code& terms);

// What methods do.
[[nodiscard]] Code Argument(unsigned index);
[[nodiscard]] Code Equal(const Code& left, const Code& right);
[[nodiscard]] Code If(const Code& predicate, const Code& terms);
[[nodiscard]] Code Notify(NameString object, const Code& value);

}  // namespace husk::aml
