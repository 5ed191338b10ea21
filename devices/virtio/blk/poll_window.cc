#include "devices/virtio/blk/poll_window.h"

#include <algorithm>

namespace husk {

bool PollWindow::Begin(std::uint64_t now) {
    Refill(now);
    idle_since_ = now;
    last_look_ = now;
    // A look that is cut short finds nothing, and burns what a whole one needs.
    return now >= paused_until_ && window_ >= kMinWindow && window_ <= budget_;
}

bool PollWindow::GoOn(std::uint64_t now) {
    const bool preempted = now - last_look_ > kPreempted;
    last_look_ = now;
    if (!preempted && now - idle_since_ < window_) return true;
    budget_ -= std::min(budget_, now - idle_since_);
    if (preempted) Preempted(now);
    return false;
}

void PollWindow::Hit(std::uint64_t now) {
    if (now - last_look_ > kPreempted) return Preempted(now);
    Follow(now - idle_since_);
    pause_ = std::max(kMinPause, pause_ - pause_ / 16);
}

void PollWindow::WorkCame(std::uint64_t now) {
    const std::uint64_t gap = now - idle_since_;
    if (gap <= kNearMiss) return Follow(gap);
    window_ /= 2;
    if (window_ < kMinWindow) window_ = 0;
}

void PollWindow::Refill(std::uint64_t now) {
    budget_ = std::min(kBudgetMax, budget_ + (now - refilled_at_) / kBurntShare);
    refilled_at_ = now;
}

// Twice the gap: at once upwards, slowly downwards, so that one quick answer does not end it.
void PollWindow::Follow(std::uint64_t gap) {
    const std::uint64_t wanted = std::clamp(2 * gap, kMinWindow, kMaxWindow);
    window_ = wanted > window_ ? wanted : window_ - (window_ - wanted) / 8;
}

void PollWindow::Preempted(std::uint64_t now) {
    paused_until_ = now + pause_;
    pause_ = std::min(kMaxPause, 2 * pause_);
}

}  // namespace husk
