#include <gtest/gtest.h>

#include "devices/virtio/device_stats.h"

namespace husk {
namespace {

TEST(LatencyHistogram, WithoutRecordsEveryPercentileIsZero) {
    const LatencyHistogram histogram;
    EXPECT_EQ(histogram.Permille(500), 0u);
}

TEST(LatencyHistogram, SmallTimesAreExact) {
    LatencyHistogram histogram;
    histogram.Record(5);
    EXPECT_EQ(histogram.Permille(500), 5u);
    EXPECT_EQ(histogram.Permille(999), 5u);
}

TEST(LatencyHistogram, PercentilesAreRightToAnEighth) {
    LatencyHistogram histogram;
    for (std::uint64_t us = 1; us <= 1000; ++us) histogram.Record(us * 1000);
    EXPECT_GE(histogram.Permille(500), 500'000u);
    EXPECT_LE(histogram.Permille(500), 565'000u);
    EXPECT_GE(histogram.Permille(990), 990'000u);
    EXPECT_LE(histogram.Permille(990), 1'115'000u);
}

TEST(LatencyHistogram, RareOutlierShowsOnlyAtTheTop) {
    LatencyHistogram histogram;
    for (int i = 0; i < 999; ++i) histogram.Record(1000);
    histogram.Record(1'000'000'000);
    EXPECT_LT(histogram.Permille(999), 1200u);
    EXPECT_GE(histogram.Permille(1000), 1'000'000'000u);
}

TEST(LatencyHistogram, LongestTimeHasABucket) {
    LatencyHistogram histogram;
    histogram.Record(~std::uint64_t{0});
    EXPECT_EQ(histogram.Permille(500), ~std::uint64_t{0});
}

}  // namespace
}  // namespace husk
