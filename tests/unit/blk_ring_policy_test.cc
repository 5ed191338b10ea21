// For how many requests a driver is asked to ring, on clocks of its own.
#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

#include "devices/virtio/blk/ring_policy.h"

namespace husk {
namespace {

constexpr std::uint64_t kUs = 1000;
constexpr std::uint64_t kLong = 1'000'000 * kUs;

// A driver with so many requests under way: it sends them 20 us apart, and waits when all of them wait.
class Driver {
 public:
    explicit Driver(std::uint64_t depth) : depth_(depth) {}

    // One sleep of the loop, and what it serves then.
    void Round() {
        const std::uint64_t wanted = policy_.RingAfter(taken_, now_);
        taken_ = std::min(wanted, depth_);
        now_ += std::max<std::uint64_t>(taken_, 1) * 20 * kUs;
        const bool waited = wanted > depth_;
        if (waited) now_ += RingPolicy::kWait;
        if (wanted > 1) policy_.Woken(now_);
        waits_ += waited ? 1 : 0;
        last_ = wanted;
    }
    void RoundsFor(std::uint64_t time) {
        for (const std::uint64_t until = now_ + time; now_ < until;) {
            if (depth_ > 1 && taken_ == 1) taken_ = 2;  // as a loop that finds two at once now and then
            Round();
        }
    }
    void Become(std::uint64_t depth) { depth_ = depth; }
    [[nodiscard]] std::uint64_t Wanted() const { return last_; }
    std::uint64_t TakeWaits() { return std::exchange(waits_, 0); }

 private:
    RingPolicy policy_;
    std::uint64_t depth_;
    std::uint64_t taken_ = 0;
    std::uint64_t now_ = kLong;
    std::uint64_t waits_ = 0;
    std::uint64_t last_ = 1;
};

TEST(RingPolicy, LoneRequestsNeverWait) {
    Driver driver(1);
    driver.RoundsFor(kLong);
    EXPECT_EQ(driver.TakeWaits(), 0u);
    EXPECT_EQ(driver.Wanted(), 1u);
}

TEST(RingPolicy, WaitsForAsManyAsMayBeOfADeepDriver) {
    Driver driver(64);
    driver.RoundsFor(kLong);
    EXPECT_EQ(driver.TakeWaits(), 0u);
    EXPECT_GE(driver.Wanted(), RingPolicy::kMost);
    EXPECT_LE(driver.Wanted(), 2 * RingPolicy::kMost);
}

// 20: with 8 there is a half to spare, with 16 there is not.
TEST(RingPolicy, WaitsForHalfOfWhatIsUnderWayAtMost) {
    Driver driver(20);
    driver.RoundsFor(kLong);
    int more = 0;
    int least = 0;
    for (int i = 0; i < 1000; ++i) {
        driver.Round();
        more += driver.Wanted() > 8 ? 1 : 0;
        least += driver.Wanted() == 8 ? 1 : 0;
    }
    EXPECT_LE(more, 2);
    EXPECT_GE(least, 990);
}

TEST(RingPolicy, ProbesInVainBecomeRare) {
    Driver driver(20);
    driver.RoundsFor(10 * kLong);
    EXPECT_GT(driver.TakeWaits(), 1u);
    driver.RoundsFor(kLong);
    EXPECT_LE(driver.TakeWaits(), kLong / (RingPolicy::kLongestPatience * 160 * kUs) + 1);
}

TEST(RingPolicy, FewUnderWayAreTriedRarely) {
    for (const std::uint64_t depth : {2U, 3U, 8U, 15U}) {
        Driver driver(depth);
        driver.RoundsFor(10 * kLong);
        EXPECT_GT(driver.TakeWaits(), 0u) << depth;
        driver.RoundsFor(10 * kLong);
        EXPECT_LE(driver.TakeWaits(), 10 * kLong / RingPolicy::kLongestShy + 1) << depth;
        EXPECT_LE(driver.Wanted(), 1u) << depth;
    }
}

TEST(RingPolicy, DriverThatBecomesLessDeepIsWaitedForAFewTimesOnly) {
    Driver driver(64);
    driver.RoundsFor(kLong);
    driver.TakeWaits();
    driver.Become(8);
    driver.RoundsFor(RingPolicy::kShy / 2);
    EXPECT_GE(driver.TakeWaits(), 1u);
    EXPECT_LE(driver.TakeWaits(), 4u);
    EXPECT_EQ(driver.Wanted(), 1u);
}

TEST(RingPolicy, LoneRequestAfterManyWaitsOnce) {
    Driver driver(64);
    driver.RoundsFor(kLong);
    driver.TakeWaits();
    driver.Become(1);
    driver.RoundsFor(kLong);
    EXPECT_EQ(driver.TakeWaits(), 1u);
}

TEST(RingPolicy, NobodyWaitedWhenNoneCame) {
    Driver driver(64);
    driver.RoundsFor(kLong);
    driver.Become(0);
    driver.Round();
    driver.Become(64);
    driver.RoundsFor(2'000 * kUs);  // too short for a probe
    EXPECT_GE(driver.Wanted(), std::uint64_t{RingPolicy::kMost});
}

}  // namespace
}  // namespace husk
