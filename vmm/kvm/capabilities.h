// What husk needs from a host's KVM, by name, and what it can use when it is there.
#pragma once

#include <functional>
#include <span>
#include <string_view>

#include "vmm/base/result.h"

namespace husk {

struct KvmCapability {
    int number;             // KVM_CAP_...
    std::string_view name;  // as the kernel's documentation spells it
    std::string_view use;   // what husk does with it
    bool required;
};

// Every capability husk asks about, required ones first.
[[nodiscard]] std::span<const KvmCapability> KvmCapabilities();

// Answers KVM_CHECK_EXTENSION: 0 when absent, else a positive number.
using CapabilityQuery = std::function<int(int capability)>;

// An error that names every required capability that is missing.
[[nodiscard]] Result<> CheckRequiredCapabilities(const CapabilityQuery& query);

}  // namespace husk
