#include "sandbox/seccomp/print.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>

#include "sandbox/seccomp/tables.h"

namespace husk {
namespace {

template <typename... Values>
std::string Format(const char* format, Values... values) {
    const int length = std::snprintf(nullptr, 0, format, values...);
    std::string text(static_cast<std::size_t>(length), '\0');
    std::snprintf(text.data(), text.size() + 1, format, values...);
    return text;
}

constexpr std::uint64_t kFirstHexadecimal = 0x1000;  // requests; slots and flags are smaller

// "5 (wake_console)"
std::string PrintValue(const ArgumentCheck& check) {
    const std::string number =
        check.value >= kFirstHexadecimal ? Format("0x%" PRIx64, check.value) : Format("%" PRIu64, check.value);
    return check.value_name.empty() ? number : number + " (" + std::string(check.value_name) + ")";
}

// Rows of one line: the same call for the same reason, which differ in their first check's value at most.
bool OnOneLine(const SyscallRule& a, const SyscallRule& b) {
    return a.call.number == b.call.number && a.why == b.why && a.check_count == b.check_count && a.check_count > 0 &&
           a.checks[0].what == b.checks[0].what && std::ranges::equal(a.Checks().subspan(1), b.Checks().subspan(1));
}

// "fd = 18, 21, 24 (doorbell), request = 0xae80 (KVM_RUN)"
std::string PrintChecks(std::span<const SyscallRule> rows) {
    if (rows.front().check_count == 0) return "any";
    std::string text = std::string(rows.front().checks[0].what) + " = ";
    for (std::size_t index = 0; index < rows.size(); ++index) {
        ArgumentCheck check = rows[index].checks[0];
        const bool last = index + 1 == rows.size();
        if (!last && rows[index + 1].checks[0].value_name == check.value_name) check.value_name = {};
        text += PrintValue(check) + (last ? "" : ", ");
    }
    for (const ArgumentCheck& check : rows.front().Checks().subspan(1)) {
        text += "; " + std::string(check.what) + " = " + PrintValue(check);
    }
    return text;
}

std::string CountsOf(const ThreadTable& table) {
    return Format("%zu system calls, %zu rules, %zu of them with a descriptor's number", table.CountSyscalls(),
                  table.Rules().size(), table.CountDescriptorChecks());
}

std::string PrintRows(const ThreadTable& table) {
    std::string text;
    for (auto rows = table.Rules(); !rows.empty();) {
        std::size_t length = 1;
        while (length < rows.size() && OnOneLine(rows[0], rows[length])) ++length;
        const SyscallRule& rule = rows.front();
        text += Format("  %-16s %s\n  %-16s   %s%s\n", std::string(rule.call.name).c_str(),
                       PrintChecks(rows.first(length)).c_str(), "", std::string(rule.why).c_str(),
                       rule.counts == Counts::kYes ? "" : " [not counted]");
        rows = rows.subspan(length);
    }
    return text;
}

constexpr const char* kPeers =
    "System calls allowed per thread, beside what peers publish (without checks of descriptors' numbers):\n"
    "  Firecracker      vcpu 27, vmm 50, api 31\n"
    "  Cloud Hypervisor vcpu 49, blk 51, net 31, console 31\n";

}  // namespace

std::string PrintTables(std::span<const ThreadTable> tables) {
    std::string text = "What each sealed thread may call. Everything else ends its process.\n\n";
    std::string summary;
    for (const ThreadTable& table : tables) {
        const bool enforced = &table != &tables.back();
        const std::string note = enforced ? "" : "\n  " + std::string(kLauncherNotEnforced);
        text += std::string(table.Thread()) + ": " + CountsOf(table) + note + "\n" + PrintRows(table) + "\n";
        if (enforced) summary += Format("    %-14s %zu\n", std::string(table.Thread()).c_str(), table.CountSyscalls());
    }
    return text + kPeers + "  husk\n" + summary;
}

}  // namespace husk
