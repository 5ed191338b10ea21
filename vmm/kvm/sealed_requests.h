// The requests that vCPU threads make once they are sealed, as numbers for their seccomp filter.
#pragma once

#include <cstdint>

namespace husk::sealed_requests {

inline constexpr std::uint64_t kRun = 0xae80;
inline constexpr std::uint64_t kIrqFd = 0x4020ae76;
inline constexpr std::uint64_t kSetGsiRouting = 0x4008ae6a;

}  // namespace husk::sealed_requests
