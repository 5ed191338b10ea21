// RingPolicy: for how many requests a driver is asked to ring when the loop does not look for them (DepthMode::kSleep).
// Each doorbell takes the guest's CPU from the next request, and wakes a loop that then finds little to do. So a driver
// with many requests under way is asked to ring when several are there (by avail_event, Virtio 1.2 §2.7.10): these
// share the doorbell and the interrupt. Pure policy on the times and counts it is told.
//
// Several: half of what the driver has under way at most, so that it goes on while we serve. That is found out by
// probes, sleeps until four times as many are there: one that succeeds doubles several_, else they become ever rarer.
// Who waits for kWait, the longest time, waited for too many, and several_ is halved; below kLeast, the next try is a
// while off.
//
//     fall asleep -> RingAfter -> sleep, for kWait at most if that is more than 1 -> Woken -> serve ...
//
// All times: nanoseconds of one monotonic clock.
#pragma once

#include <cstdint>

namespace husk {

class RingPolicy {
 public:
    static constexpr std::uint16_t kLeast = 8;
    static constexpr std::uint16_t kMost = 16;
    static constexpr std::uint64_t kWait = 1'000'000;
    static constexpr std::uint64_t kPatience = 8;  // full sleeps before a probe; doubled by each without success
    static constexpr std::uint64_t kLongestPatience = 1024;
    static constexpr std::uint64_t kShy = 50'000'000;  // before the next try; then twice as long
    static constexpr std::uint64_t kLongestShy = 400'000'000;

    // The loop falls asleep, having taken `taken` requests since it woke. How many are to come before the driver rings:
    // 1 unless there were several, so that of requests that come alone the first one at most waits for others.
    [[nodiscard]] std::uint16_t RingAfter(std::uint64_t taken, std::uint64_t now);
    // After each such sleep.
    void Woken(std::uint64_t now) { in_vain_ = now - asleep_since_ >= kWait; }

 private:
    [[nodiscard]] bool Probing() const { return full_ >= patience_; }
    [[nodiscard]] std::uint16_t Wanted() const;
    void Judge(std::uint64_t taken, std::uint64_t now);
    void Full();
    void TooFew(std::uint64_t taken, std::uint64_t now);

    std::uint16_t several_ = kLeast / 2;  // the first sleep is a probe: whether there are twice kLeast
    std::uint64_t full_ = 0;              // sleeps since the last probe that ended with as many as were wanted
    std::uint64_t patience_ = 0;
    // The last sleep.
    std::uint16_t wanted_ = 1;
    std::uint64_t asleep_since_ = 0;
    bool in_vain_ = false;  // it took kWait
    // No depth.
    std::uint64_t shy_ = kShy;
    std::uint64_t shy_until_ = 0;
};

}  // namespace husk
