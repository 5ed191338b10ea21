// The policy for many requests at a time, on clocks of its own.
#include <gtest/gtest.h>

#include <array>

#include "devices/virtio/blk/depth_policy.h"

namespace husk {
namespace {

constexpr std::uint64_t kUs = 1000;
constexpr std::uint64_t kMs = 1000 * kUs;

// A driver to which the modes matter: how long a pair of its requests takes under each, by the mode's number.
class Driver {
 public:
    explicit Driver(std::array<std::uint64_t, 3> cost_of_pair) : cost_(cost_of_pair) {}

    void PairsFor(std::uint64_t time) {
        for (const std::uint64_t until = now_ + time; now_ < until;) {
            now_ += cost_[static_cast<std::size_t>(policy.Mode())];
            policy.GivenBack(2, now_);
        }
    }
    // One request at a time, a hundred microseconds apart. Gives how long their answers were kept, all together.
    std::uint64_t LoneRequests(int count) {
        std::uint64_t kept = 0;
        for (int i = 0; i < count; ++i) {
            now_ += 100 * kUs;
            const std::uint64_t ready = now_;
            bool waits = policy.Gather(1, now_);
            while (waits) {
                now_ += kUs;
                waits = policy.GoOn(1, now_);
            }
            kept += now_ - ready;
            policy.GivenBack(1, now_);
        }
        return kept;
    }
    void Pass(std::uint64_t time) { now_ += time; }
    [[nodiscard]] std::uint64_t Now() const { return now_; }

    DepthPolicy policy;

 private:
    std::array<std::uint64_t, 3> cost_;
    std::uint64_t now_ = 1'000 * kMs;
};

constexpr std::uint64_t kTrial = (3 * DepthPolicy::kRounds + 3) * DepthPolicy::kTurn;

TEST(DepthPolicy, LoneRequestsAreAnsweredAtOnceForEver) {
    Driver driver({100 * kUs, 50 * kUs, 50 * kUs});
    EXPECT_EQ(driver.LoneRequests(100'000), 0u);
    EXPECT_EQ(driver.policy.Mode(), DepthMode::kAtOnce);
}

TEST(DepthPolicy, GathersWhereThatBringsTheMost) {
    Driver driver({100 * kUs, 60 * kUs, 80 * kUs});
    driver.PairsFor(kTrial);
    EXPECT_EQ(driver.policy.Mode(), DepthMode::kGather);
}

TEST(DepthPolicy, SleepsWhereThatBringsTheMost) {
    Driver driver({100 * kUs, 80 * kUs, 60 * kUs});
    driver.PairsFor(kTrial);
    EXPECT_EQ(driver.policy.Mode(), DepthMode::kSleep);
}

TEST(DepthPolicy, StaysAtOnceWhereOthersBringHardlyMore) {
    Driver driver({100 * kUs, 97 * kUs, 97 * kUs});
    driver.PairsFor(kTrial);
    EXPECT_EQ(driver.policy.Mode(), DepthMode::kAtOnce);
}

TEST(DepthPolicy, RequestsTakenBeforeAnAnswerWasSeenAreCompany) {
    DepthPolicy policy;
    std::uint64_t now = 1'000 * kMs;
    bool tried = false;
    for (int i = 0; i < 1000; ++i) {
        now += 50 * kUs;
        policy.TakenInCompany();
        policy.GivenBack(1, now);
        tried = tried || policy.Mode() != DepthMode::kAtOnce;
    }
    EXPECT_TRUE(tried);
}

TEST(DepthPolicy, TrialsTakeASmallPartOfALongTime) {
    Driver driver({50 * kUs, 100 * kUs, 100 * kUs});
    driver.PairsFor(10'000 * kMs);
    int elsewhere = 0;
    for (int i = 0; i < 10'000; ++i) {
        driver.PairsFor(kMs);
        elsewhere += driver.policy.Mode() != DepthMode::kAtOnce ? 1 : 0;
    }
    EXPECT_GT(elsewhere, 0);
    EXPECT_LE(elsewhere, 400);
}

TEST(DepthPolicy, LoneRequestsAfterGatheringAreKeptAFewTimesOnly) {
    Driver driver({100 * kUs, 60 * kUs, 80 * kUs});
    driver.PairsFor(kTrial);
    ASSERT_EQ(driver.policy.Mode(), DepthMode::kGather);
    EXPECT_LE(driver.LoneRequests(10'000), DepthPolicy::kVain * DepthPolicy::kGatherGap);
    EXPECT_EQ(driver.policy.Mode(), DepthMode::kAtOnce);
}

TEST(DepthPolicy, LoneRequestsAfterSleepingHaveTheirLoopAwakeWithinATurn) {
    Driver driver({100 * kUs, 80 * kUs, 60 * kUs});
    driver.PairsFor(kTrial);
    ASSERT_EQ(driver.policy.Mode(), DepthMode::kSleep);
    const std::uint64_t since = driver.Now();
    driver.LoneRequests(210);
    EXPECT_GE(driver.Now() - since, 2 * DepthPolicy::kTurn);
    EXPECT_EQ(driver.policy.Mode(), DepthMode::kAtOnce);
}

class Gathering : public ::testing::Test {
 protected:
    void SetUp() override {
        driver.PairsFor(kTrial);
        ASSERT_EQ(policy.Mode(), DepthMode::kGather);
        now = driver.Now();
    }
    Driver driver{{100 * kUs, 60 * kUs, 80 * kUs}};
    DepthPolicy& policy = driver.policy;
    std::uint64_t now = 0;
};

TEST_F(Gathering, EndsWithEnoughAnswers) {
    EXPECT_TRUE(policy.Gather(DepthPolicy::kGatherCount - 1, now));
    EXPECT_FALSE(policy.Gather(DepthPolicy::kGatherCount, now + kUs));
}

TEST_F(Gathering, EndsWhenNothingComes) {
    ASSERT_TRUE(policy.Gather(3, now));
    EXPECT_TRUE(policy.GoOn(3, now + DepthPolicy::kGatherGap - 1));
    EXPECT_FALSE(policy.GoOn(3, now + DepthPolicy::kGatherGap));
}

TEST_F(Gathering, EndsInTimeHoweverOftenSomethingComes) {
    ASSERT_TRUE(policy.Gather(1, now));
    ASSERT_TRUE(policy.Gather(2, now + DepthPolicy::kGatherTotal - 100 * kUs));
    EXPECT_TRUE(policy.GoOn(2, now + DepthPolicy::kGatherTotal - 1));
    EXPECT_FALSE(policy.GoOn(2, now + DepthPolicy::kGatherTotal));
    EXPECT_FALSE(policy.Gather(3, now + DepthPolicy::kGatherTotal));
}

TEST_F(Gathering, CountsAnew) {
    ASSERT_TRUE(policy.Gather(1, now));
    policy.GivenBack(1, now + 100 * kUs);
    const std::uint64_t later = now + DepthPolicy::kGatherTotal;
    EXPECT_TRUE(policy.Gather(1, later));
    EXPECT_TRUE(policy.GoOn(1, later + kUs));
}

}  // namespace
}  // namespace husk
