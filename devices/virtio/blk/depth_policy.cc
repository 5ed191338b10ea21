#include "devices/virtio/blk/depth_policy.h"

#include <algorithm>

namespace husk {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;

constexpr std::size_t Place(DepthMode mode) { return static_cast<std::size_t>(mode); }

}  // namespace

void DepthPolicy::GivenBack(std::uint64_t count, std::uint64_t now) {
    first_answer_ = 0;
    given_back_ += count;
    if (count > 1) {
        in_company_ += count;
        in_vain_ = 0;
    }
    if (now - turn_began_ >= kTurn) EndTurn(now);
}

bool DepthPolicy::Gather(std::uint64_t count, std::uint64_t now) {
    if (mode_ != DepthMode::kGather) return false;
    if (first_answer_ == 0) first_answer_ = now;
    last_answer_ = now;
    return count < kGatherCount && now - first_answer_ < kGatherTotal;
}

bool DepthPolicy::GoOn(std::uint64_t count, std::uint64_t now) {
    if (now - last_answer_ < kGatherGap && now - first_answer_ < kGatherTotal) return true;
    if (count == 1 && ++in_vain_ >= kVain) TheyComeAlone(now);
    return false;
}

void DepthPolicy::BeginTurn(DepthMode mode, std::uint64_t now) {
    mode_ = mode;
    turn_began_ = now;
    given_back_ = 0;
    in_company_ = 0;
}

void DepthPolicy::EndTurn(std::uint64_t now) {
    const std::uint64_t took = now - turn_began_;
    const bool paused = took > 4 * kTurn;  // the driver did: says nothing of the mode
    if (trying_ && !paused) {
        // A turn of one mode may well show no company where there is: only the rates count.
        rates_[Place(mode_)] += given_back_ * kSecond / took;
        if (++turns_ == kRounds * kModes) return EndTrial(now);
        return BeginTurn(static_cast<DepthMode>(turns_ % kModes), now);
    }
    const bool company = in_company_ * kCompany >= given_back_;
    if (!company) return TheyComeAlone(now);
    if (!trying_ && now >= next_trial_) return BeginTrial(now);
    BeginTurn(mode_, now);
}

void DepthPolicy::BeginTrial(std::uint64_t now) {
    trying_ = true;
    turns_ = 0;
    rates_ = {};
    BeginTurn(DepthMode::kAtOnce, now);
}

void DepthPolicy::EndTrial(std::uint64_t now) {
    trying_ = false;
    next_trial_ = now + stay_;
    stay_ = std::min(2 * stay_, kLongestStay);
    BeginTurn(Best(), now);
}

// Only what is in the way of a lone request is undone; a stay goes on.
void DepthPolicy::TheyComeAlone(std::uint64_t now) {
    if (trying_ || mode_ != DepthMode::kAtOnce) {
        trying_ = false;
        next_trial_ = now + kShy;
        stay_ = kFirstStay;
    }
    in_vain_ = 0;
    BeginTurn(DepthMode::kAtOnce, now);
}

DepthMode DepthPolicy::Best() const {
    const std::uint64_t at_once = rates_[Place(DepthMode::kAtOnce)];
    const std::uint64_t gather = rates_[Place(DepthMode::kGather)];
    const std::uint64_t sleep = rates_[Place(DepthMode::kSleep)];
    if (std::max(gather, sleep) <= at_once + at_once / kGain) return DepthMode::kAtOnce;
    return gather >= sleep ? DepthMode::kGather : DepthMode::kSleep;
}

}  // namespace husk
