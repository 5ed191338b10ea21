// The token bucket, on clocks of its own.
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

#include "devices/virtio/token_bucket.h"

namespace husk {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();

TEST(TokenBucket, WithoutARateNothingIsRefused) {
    TokenBucket bucket;
    EXPECT_TRUE(bucket.Unlimited());
    EXPECT_TRUE(bucket.Take(kMost, 0));
    EXPECT_TRUE(bucket.Take(kMost, 0));
    EXPECT_EQ(bucket.Wait(kMost, 0), 0u);
}

TEST(TokenBucket, StartsFullAndRunsEmpty) {
    TokenBucket bucket(10, 5, 0);
    EXPECT_TRUE(bucket.Take(3, 0));
    EXPECT_FALSE(bucket.Take(3, 0));
    EXPECT_TRUE(bucket.Take(2, 0));
    EXPECT_FALSE(bucket.Take(1, 0));
    EXPECT_TRUE(bucket.Take(0, 0));
}

TEST(TokenBucket, FillsWithTimeUpToTheBurst) {
    TokenBucket bucket(10, 5, 0);
    ASSERT_TRUE(bucket.Take(5, 0));
    EXPECT_FALSE(bucket.Take(1, kSecond / 10 - 1));
    EXPECT_TRUE(bucket.Take(1, kSecond / 10));
    EXPECT_FALSE(bucket.Take(6, kSecond / 10)) << "six are more than a bucket that is not full may give";
    EXPECT_TRUE(bucket.Take(5, 100 * kSecond));
    EXPECT_FALSE(bucket.Take(1, 100 * kSecond)) << "an idle minute is not saved up";
}

TEST(TokenBucket, WaitIsExactToTheNanosecond) {
    TokenBucket bucket(3, 1, 0);
    ASSERT_TRUE(bucket.Take(1, 0));
    const std::uint64_t wait = bucket.Wait(1, 0);
    EXPECT_EQ(wait, 333'333'334u);
    EXPECT_FALSE(bucket.Allows(1, wait - 1));
    EXPECT_EQ(bucket.Wait(1, wait - 1), 1u);
    EXPECT_TRUE(bucket.Take(1, wait));
}

TEST(TokenBucket, NothingIsLostByAskingOften) {
    TokenBucket bucket(7, 1'000'000, 0);
    ASSERT_TRUE(bucket.Take(1'000'000, 0));
    for (std::uint64_t now = 0; now < 10 * kSecond; now += 9'973) static_cast<void>(bucket.Allows(1, now));
    EXPECT_FALSE(bucket.Allows(71, 10 * kSecond));
    EXPECT_TRUE(bucket.Allows(70, 10 * kSecond));
}

TEST(TokenBucket, MoreThanTheBurstIsGivenAndOwed) {
    TokenBucket bucket(100, 10, 0);
    ASSERT_TRUE(bucket.Take(110, 0));
    EXPECT_FALSE(bucket.Take(1, kSecond));
    EXPECT_EQ(bucket.Wait(1, kSecond), kSecond / 100);
    EXPECT_TRUE(bucket.Take(1, kSecond + kSecond / 100));
}

TEST(TokenBucket, TheRateHoldsForWorkOfAnySize) {
    for (const std::uint64_t size : {1U, 7U, 64U, 1500U, 65536U}) {
        TokenBucket bucket(1'000'000, 4096, 0);
        std::uint64_t now = 0;
        std::uint64_t taken = 0;
        while (now < kSecond) {
            if (bucket.Take(size, now)) {
                taken += size;
            } else {
                now += bucket.Wait(size, now);
            }
        }
        EXPECT_NEAR(static_cast<double>(taken), 1e6, 70'000.0) << size;
    }
}

TEST(TokenBucket, TimeThatGoesBackwardsGivesNothing) {
    TokenBucket bucket(kSecond, 10, 1000);
    ASSERT_TRUE(bucket.Take(10, 1000));
    EXPECT_FALSE(bucket.Take(1, 0));
    EXPECT_FALSE(bucket.Take(2, 1001));
    EXPECT_TRUE(bucket.Take(1, 1001));
}

TEST(TokenBucket, ExtremesDoNotOverflow) {
    TokenBucket fast(kMost, kMost, 0);
    ASSERT_TRUE(fast.Take(kMost, 0));
    EXPECT_EQ(fast.Wait(kMost, 0), kSecond);
    EXPECT_FALSE(fast.Take(kMost, kSecond - 1));
    EXPECT_TRUE(fast.Take(kMost, kMost));
    TokenBucket slow(1, kMost, 0);
    ASSERT_TRUE(slow.Take(kMost, 0));
    EXPECT_EQ(slow.Wait(kMost, 0), TokenBucket::kForever);
    EXPECT_FALSE(slow.Take(kMost, kMost));
    EXPECT_TRUE(slow.Take(1, kMost));
}

TEST(TokenBucket, DebtsDoNotOverflow) {
    TokenBucket bucket(1, 1, 0);
    ASSERT_TRUE(bucket.Take(kMost, 0));
    EXPECT_EQ(bucket.Wait(kMost, 0), TokenBucket::kForever);
    EXPECT_FALSE(bucket.Take(1, kMost));
}

TEST(TokenBucket, WithoutABurstOneAtATimePasses) {
    TokenBucket bucket(10, 0, 0);
    EXPECT_TRUE(bucket.Take(1, 0));
    EXPECT_FALSE(bucket.Take(1, 0));
    EXPECT_TRUE(bucket.Take(1, kSecond / 10));
}

}  // namespace
}  // namespace husk
