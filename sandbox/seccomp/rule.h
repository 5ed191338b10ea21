// What a sealed thread may ask of the kernel: rows of a table, as values. Deciding is pure (Allows); compiling to a
// kernel program is compile.h, at build time; installing is install.h.
//
// One row is one rule: a system call of x86-64, and what some of its arguments must be. Equality only: libseccomp 2.5.4
// merges other comparisons wrongly. Values are 64 bits wide, as the kernel's filter sees them, although the kernel
// itself often looks at 32: callers pass arguments that are zero-extended.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <stdexcept>
#include <string_view>

namespace husk {

// The six arguments of a system call.
using SyscallArguments = std::array<std::uint64_t, 6>;

struct ArgumentCheck {
    std::uint8_t argument = 0;    // 0 to 5
    std::string_view what;        // "fd", "request"
    std::uint64_t value = 0;      // what it must be
    std::string_view value_name;  // "launcher", "KVM_RUN"; empty when the number says it

    constexpr bool operator==(const ArgumentCheck&) const = default;
};

inline constexpr std::string_view kDescriptor = "fd";

struct Syscall {
    int number = -1;  // of x86-64
    std::string_view name;
};

// Whether a row counts as a system call that does something.
enum class Counts : bool { kNo, kYes };

struct SyscallRule {
    static constexpr std::size_t kMaxChecks = 3;

    Syscall call{};
    std::array<ArgumentCheck, kMaxChecks> checks{};
    std::size_t check_count = 0;
    std::string_view why{};
    Counts counts = Counts::kYes;

    [[nodiscard]] constexpr std::span<const ArgumentCheck> Checks() const {
        return std::span(checks).first(check_count);
    }
    [[nodiscard]] constexpr bool ChecksDescriptor() const {
        return std::ranges::any_of(Checks(), [](const ArgumentCheck& check) { return check.what == kDescriptor; });
    }
    [[nodiscard]] constexpr bool Matches(int syscall, const SyscallArguments& arguments) const {
        return syscall == call.number && std::ranges::all_of(Checks(), [&](const ArgumentCheck& check) {
                   return arguments[check.argument] == check.value;
               });
    }
};

// The rows of one kind of thread. A value of a fixed size, so that it can be a constant.
class ThreadTable {
 public:
    static constexpr std::size_t kMaxRules = 128;

    // `thread`: "vmm: vcpu0".
    constexpr explicit ThreadTable(std::string_view thread) : thread_(thread) {}

    [[nodiscard]] constexpr std::string_view Thread() const { return thread_; }
    [[nodiscard]] constexpr std::span<const SyscallRule> Rules() const { return std::span(rules_).first(count_); }

    // One more rule. The first rule's system call is the one that the compiled program decides first. Throws when there
    // are too many (in a constant: does not compile).
    constexpr ThreadTable& Allow(Syscall call, std::initializer_list<ArgumentCheck> checks, std::string_view why,
                                 Counts counts = Counts::kYes) {
        if (count_ == kMaxRules || checks.size() > SyscallRule::kMaxChecks) throw std::length_error("seccomp table");
        SyscallRule& rule = rules_[count_++];
        rule = {.call = call, .check_count = checks.size(), .why = why, .counts = counts};
        std::ranges::copy(checks, rule.checks.begin());
        return *this;
    }

    [[nodiscard]] constexpr bool Allows(int syscall, const SyscallArguments& arguments) const {
        return std::ranges::any_of(Rules(), [&](const SyscallRule& rule) { return rule.Matches(syscall, arguments); });
    }

    // Different system calls among the rows that count.
    [[nodiscard]] constexpr std::size_t CountSyscalls() const {
        std::size_t count = 0;
        for (auto rule = Rules().begin(); rule != Rules().end(); ++rule) {
            const bool counted_before = std::any_of(Rules().begin(), rule, [&](const SyscallRule& other) {
                return other.counts == Counts::kYes && other.call.number == rule->call.number;
            });
            if (rule->counts == Counts::kYes && !counted_before) ++count;
        }
        return count;
    }
    [[nodiscard]] constexpr std::size_t CountDescriptorChecks() const {
        return static_cast<std::size_t>(std::ranges::count_if(Rules(), &SyscallRule::ChecksDescriptor));
    }

 private:
    std::string_view thread_;
    std::array<SyscallRule, kMaxRules> rules_{};
    std::size_t count_ = 0;
};

}  // namespace husk
