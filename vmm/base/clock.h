// The clock of timelines and deadlines: CLOCK_MONOTONIC, the same in every role.
#pragma once

#include <ctime>

#include <cstdint>

namespace husk {

// Through the vDSO: no system call on any host that matters.
[[nodiscard]] inline std::uint64_t MonotonicNanoseconds() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(now.tv_nsec);
}

}  // namespace husk
