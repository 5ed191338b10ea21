// Names of x86-64's system calls, for the sentence about a forbidden one. The table is written at build time, from
// libseccomp's.
#pragma once

#include <cstdint>
#include <string_view>

namespace husk {

// "openat" for 257; "unknown" for a number without a name.
[[nodiscard]] std::string_view SyscallName(std::uint32_t number);

}  // namespace husk
