#include "devices/virtio/blk/ring_policy.h"

#include <algorithm>

namespace husk {

std::uint16_t RingPolicy::RingAfter(std::uint64_t taken, std::uint64_t now) {
    if (wanted_ > 1) Judge(taken, now);
    wanted_ = taken > 1 && now >= shy_until_ ? Wanted() : std::uint16_t{1};
    asleep_since_ = now;
    in_vain_ = false;
    return wanted_;
}

std::uint16_t RingPolicy::Wanted() const {
    return Probing() ? std::min<std::uint16_t>(static_cast<std::uint16_t>(4 * several_), 2 * kMost) : several_;
}

void RingPolicy::Judge(std::uint64_t taken, std::uint64_t now) {
    if (taken >= wanted_) return Full();
    // When none came nobody waited; when the disk ended the sleep, it says nothing.
    if (in_vain_ && taken > 0) TooFew(taken, now);
}

void RingPolicy::Full() {
    if (!Probing()) {
        ++full_;
        return;
    }
    full_ = 0;
    shy_ = kShy;
    const bool more = several_ < kMost;
    if (more) several_ = static_cast<std::uint16_t>(2 * several_);
    patience_ = more ? kPatience : std::min(2 * patience_, kLongestPatience);
}

void RingPolicy::TooFew(std::uint64_t taken, std::uint64_t now) {
    const bool probed = Probing();
    // A probe may fail for what it is; but there are to be twice several_.
    if (!probed || taken < std::uint64_t{2} * several_) several_ = static_cast<std::uint16_t>(several_ / 2);
    patience_ = probed ? std::min(2 * patience_, kLongestPatience) : kPatience;
    full_ = 0;
    if (several_ >= kLeast) return;
    shy_until_ = now + shy_;
    shy_ = std::min(2 * shy_, kLongestShy);
    several_ = kLeast / 2;
    patience_ = 0;
}

}  // namespace husk
