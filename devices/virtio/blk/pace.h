// Pace: whether operations of one kind end quickly, going by the slowest one lately. What is quick is done by the loop
// itself, since handing over and waking up would cost more than the operation; one that turns out slow sends those
// after it to the pool. All times: nanoseconds of one monotonic clock.
#pragma once

#include <cstdint>

namespace husk {

class Pace {
 public:
    // Longer than `limit` is slow, and remembered for `memory`.
    constexpr Pace(std::uint64_t limit, std::uint64_t memory) : limit_(limit), memory_(memory) {}

    void Took(std::uint64_t time, std::uint64_t now) {
        if (time > limit_) slow_until_ = now + memory_;
    }
    [[nodiscard]] bool Quick(std::uint64_t now) const { return now >= slow_until_; }

 private:
    std::uint64_t limit_;
    std::uint64_t memory_;
    std::uint64_t slow_until_ = 0;
};

}  // namespace husk
