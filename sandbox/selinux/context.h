// SELinux contexts as text, in their raw form: `user:role:type:range`, where a range is one level or `low-high`, and a
// level is a sensitivity with categories ("s0:c1,c2", "s0-s0:c0.c1023"). Pure.
//
// Contexts come from files of the policy, from other processes and from journals: untrusted text. Whatever is not a
// context is refused, however it was made.
#pragma once

#include <bitset>
#include <optional>
#include <string>
#include <string_view>

namespace husk {

inline constexpr unsigned kCategories = 1024;
using CategorySet = std::bitset<kCategories>;

// Longer text is no context: the kernel takes at most a page.
inline constexpr std::size_t kMaxContextLength = 4095;

struct SecurityLevel {
    unsigned sensitivity = 0;
    CategorySet categories;

    // Sensitivity at least the other's, and all its categories.
    [[nodiscard]] bool Dominates(const SecurityLevel& other) const;
    // As the kernel writes it: three and more categories in a row as "c3.c5".
    [[nodiscard]] std::string ToString() const;
    [[nodiscard]] static std::optional<SecurityLevel> Parse(std::string_view text);
    bool operator==(const SecurityLevel&) const = default;
};

// Two equal levels where the text has but one.
struct SecurityRange {
    SecurityLevel low;
    SecurityLevel high;

    // Only where high dominates low.
    [[nodiscard]] static std::optional<SecurityRange> Parse(std::string_view text);
};

struct SecurityContext {
    std::string user;
    std::string role;
    std::string type;
    std::string range;  // as it was written; empty where the policy has no levels

    [[nodiscard]] std::string ToString() const;
    [[nodiscard]] SecurityContext WithRange(std::string_view new_range) const;
    // The categories of the low level, which are those that a VM or its disk has; none where there is no range.
    [[nodiscard]] CategorySet Categories() const;
    [[nodiscard]] static std::optional<SecurityContext> Parse(std::string_view text);
    bool operator==(const SecurityContext&) const = default;
};

}  // namespace husk
