// PollWindow: how long it pays to look at a queue that ran empty before sleeping. Pure policy on the times it is told.
//
// Sleeping and being woken costs both sides tens of microseconds; looking costs a CPU. So: the window follows the gaps
// seen between work and work, up to 200 us; looks that found nothing may take a fifth of the time at most; and whoever
// was preempted while looking had no CPU to spare and stops for a while (with more busy threads than cores, polling
// takes the time from the guest it waits for).
//
//     ran empty -> Begin -> GoOn ... -> Hit                       work came while looking
//                        -> GoOn = false -> sleep -> WorkCame     or later
//
// All times: nanoseconds of one monotonic clock.
#pragma once

#include <cstdint>

namespace husk {

class PollWindow {
 public:
    static constexpr std::uint64_t kMaxWindow = 200'000;
    static constexpr std::uint64_t kMinWindow = 10'000;     // below, sleeping is as good
    static constexpr std::uint64_t kNearMiss = 300'000;     // a gap, with waking up in it, that polling could have met
    static constexpr std::uint64_t kBurntShare = 5;         // one of so many nanoseconds may be looked for nothing
    static constexpr std::uint64_t kBudgetMax = 4'000'000;  // saved up for a bad stretch, at most
    static constexpr std::uint64_t kPreempted = 50'000;     // between two looks: somebody else had the CPU
    static constexpr std::uint64_t kMinPause = 2'000'000;
    static constexpr std::uint64_t kMaxPause = 128'000'000;

    // There is nothing to do since `now`. False: do not look, sleep.
    [[nodiscard]] bool Begin(std::uint64_t now);
    // After a look that found nothing. False: enough.
    [[nodiscard]] bool GoOn(std::uint64_t now);
    // The look found work.
    void Hit(std::uint64_t now);
    // Work came after the loop had slept.
    void WorkCame(std::uint64_t now);

    [[nodiscard]] std::uint64_t Window() const { return window_; }

 private:
    void Refill(std::uint64_t now);
    void Follow(std::uint64_t gap);
    void Preempted(std::uint64_t now);

    std::uint64_t window_ = 0;
    std::uint64_t idle_since_ = 0;
    std::uint64_t last_look_ = 0;
    std::uint64_t budget_ = kBudgetMax;
    std::uint64_t refilled_at_ = 0;
    std::uint64_t pause_ = kMinPause;  // the next one's length
    std::uint64_t paused_until_ = 0;
};

}  // namespace husk
