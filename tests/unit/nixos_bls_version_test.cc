#include <gtest/gtest.h>

#include <array>
#include <string_view>

#include "boot/nixos/menus/version_order.h"

namespace husk {
namespace {

// Each one is newer than those before it; the first line is the specification's own example.
constexpr std::array<std::string_view, 12> kAscending{"122.1",   "123~rc1-1", "123",     "123-a",   "123-a.1", "123-1",
                                                      "123-1.1", "123^post1", "123.a-1", "123.1-1", "123a-1",  "124-1"};

TEST(VersionOrder, TheSpecificationsChainAscends) {
    for (std::size_t i = 0; i < kAscending.size(); ++i) {
        for (std::size_t j = 0; j < kAscending.size(); ++j) {
            EXPECT_EQ(CompareVersions(kAscending[i], kAscending[j]), std::weak_ordering(i <=> j))
                << kAscending[i] << " and " << kAscending[j];
        }
    }
}

void ExpectNewer(std::string_view newer, std::string_view older) {
    EXPECT_EQ(CompareVersions(newer, older), std::weak_ordering::greater) << newer << " and " << older;
    EXPECT_EQ(CompareVersions(older, newer), std::weak_ordering::less) << newer << " and " << older;
}
void ExpectSame(std::string_view a, std::string_view b) {
    EXPECT_EQ(CompareVersions(a, b), std::weak_ordering::equivalent) << a << " and " << b;
    EXPECT_EQ(CompareVersions(b, a), std::weak_ordering::equivalent) << a << " and " << b;
}

TEST(VersionOrder, TheSpecificationsPairsHold) {
    ExpectSame("11", "11");
    ExpectSame("systemd-123", "systemd-123");
    ExpectNewer("foo-123", "bar-123");
    ExpectNewer("123a", "123");
    ExpectNewer("123.a", "123");
    ExpectNewer("123.b", "123.a");
    ExpectNewer("123a", "123.a");
    ExpectSame("11α", "11β");
    ExpectNewer("a", "B");
    ExpectNewer("0", "");
    ExpectNewer("0.", "0");
    ExpectNewer("0.0", "0");
    ExpectNewer("0", "~");
    ExpectNewer("", "~");
    ExpectSame("1_", "1");
    ExpectSame("_1", "1");
    ExpectNewer("1.2", "1_");
    ExpectNewer("1_2_3", "1.3.3");
    ExpectSame("1+", "1");
    ExpectNewer("1.2", "1+");
    ExpectNewer("1+2+3", "1.3.3");
}

TEST(VersionOrder, NumbersOfAnyLengthAreComparedAsNumbers) {
    ExpectNewer("Generation 10 x", "Generation 9 x");
    ExpectNewer("100000000000000000000000001", "100000000000000000000000000");
    ExpectSame("007", "7");
    ExpectNewer("1_b", "1a");
}

}  // namespace
}  // namespace husk
