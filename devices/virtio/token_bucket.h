// TokenBucket: so much a second, and so much at once. Pure: it is told the time.
//
// Tokens are bytes, frames or operations. The bucket starts full (`burst`) and fills at `rate` a second. Whole tokens
// and billionths of one are kept apart, so that nothing is lost to rounding however often it is asked, and no rate,
// time or size can overflow it.
//
//     while (work && bucket.Take(work.bytes, now)) do it
//     if (work) sleep for bucket.Wait(work.bytes, now) at most
//
// All times: nanoseconds of one clock. Time that goes backwards counts as none.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

namespace husk {

class TokenBucket {
 public:
    // No limit: whatever is asked for is there.
    constexpr TokenBucket() = default;
    // `rate` 0: no limit. A `burst` of 0 counts as 1, as nothing would ever pass.
    constexpr TokenBucket(std::uint64_t rate, std::uint64_t burst, std::uint64_t now)
        : rate_(rate), burst_(std::max<std::uint64_t>(burst, 1)), tokens_(burst_), filled_at_(now) {}

    [[nodiscard]] constexpr bool Unlimited() const { return rate_ == 0; }

    // Takes `count` tokens if they are there. More than `burst` are given when the bucket is full, and owed: nothing
    // more is given before that much time has passed, so that the rate holds for work of any size.
    [[nodiscard]] constexpr bool Take(std::uint64_t count, std::uint64_t now) {
        if (!Allows(count, now)) return false;
        if (Unlimited()) return true;
        const std::uint64_t there = std::min(count, tokens_);
        tokens_ -= there;
        owed_ = count - there;
        return true;
    }
    // Whether Take() would succeed: for work that two buckets must allow.
    [[nodiscard]] constexpr bool Allows(std::uint64_t count, std::uint64_t now) {
        if (Unlimited()) return true;
        Fill(now);
        return owed_ == 0 ? tokens_ >= std::min(count, burst_) : count == 0;
    }
    // How long from `now` until Take(count) succeeds, if nobody takes any in between; 0: it would now.
    [[nodiscard]] constexpr std::uint64_t Wait(std::uint64_t count, std::uint64_t now) {
        if (Allows(count, now)) return 0;
        const Wide missing = Wide{owed_} + std::min(count, burst_) - tokens_;
        const Wide nanoseconds = (missing * kSecond - parts_ + rate_ - 1) / rate_;
        return nanoseconds > kForever ? kForever : static_cast<std::uint64_t>(nanoseconds);
    }

    static constexpr std::uint64_t kForever = std::numeric_limits<std::uint64_t>::max();

 private:
    using Wide = unsigned __int128;
    static constexpr std::uint64_t kSecond = 1'000'000'000;

    constexpr void Fill(std::uint64_t now) {
        if (now <= filled_at_) return;
        const Wide added = Wide{now - filled_at_} * rate_ + parts_;
        filled_at_ = now;
        // The short division is several times faster, and nearly always enough.
        const bool small = added <= std::numeric_limits<std::uint64_t>::max();
        Wide whole = small ? Wide{static_cast<std::uint64_t>(added) / kSecond} : added / kSecond;
        parts_ = static_cast<std::uint64_t>(added - whole * kSecond);
        const Wide paid = std::min<Wide>(whole, owed_);
        owed_ -= static_cast<std::uint64_t>(paid);
        whole -= paid;
        if (whole >= burst_ - tokens_) {
            tokens_ = burst_;
            parts_ = 0;
        } else {
            tokens_ += static_cast<std::uint64_t>(whole);
        }
    }

    std::uint64_t rate_ = 0;
    std::uint64_t burst_ = 1;
    std::uint64_t tokens_ = 1;  // at most burst_; 0 while any are owed
    std::uint64_t parts_ = 0;   // billionths of a token, less than one
    std::uint64_t owed_ = 0;
    std::uint64_t filled_at_ = 0;
};

}  // namespace husk
