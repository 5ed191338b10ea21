// Instructions of the processor that a piece of code takes, counted one by one (a child that its parent single-steps):
// exact, the same in every run, and possible where no performance counter is.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace husk::bench {

// Average for one of `count` turns, user-space instructions only. `work(n)` does n turns and makes no system call.
// Counted once for each `name`: every step takes microseconds, and Google Benchmark calls a benchmark several times.
// Negative when this process may not trace a child.
[[nodiscard]] double InstructionsPerTurn(const std::string& name, const std::function<void(std::uint64_t)>& work,
                                         std::uint64_t count);

}  // namespace husk::bench
