// The rate of this machine's time stamp counter, which benchmark guests read.
#pragma once

#include <x86intrin.h>

#include <cstdint>

#include "vmm/base/clock.h"

namespace husk::bench {

// Measured against the monotonic clock, once, in 50 ms.
[[nodiscard]] inline double TicksPerNanosecond() {
    static const double rate = [] {
        constexpr std::uint64_t kSpan = 50'000'000;
        const std::uint64_t begun = MonotonicNanoseconds();
        const std::uint64_t ticks_begun = __rdtsc();
        std::uint64_t now = begun;
        while (now - begun < kSpan) now = MonotonicNanoseconds();
        return static_cast<double>(__rdtsc() - ticks_begun) / static_cast<double>(now - begun);
    }();
    return rate;
}

}  // namespace husk::bench
