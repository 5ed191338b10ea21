// SplitQueue beside a reference model, driven at random. Seeds are printed; one that failed can be run again by itself.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <set>

#include "tests/support/queue_session.h"

namespace husk {
namespace {

using testing::QueueSession;

class RandomDecider {
 public:
    explicit RandomDecider(std::uint64_t seed) : random_(seed) {}
    std::uint32_t Below(std::uint32_t n) { return static_cast<std::uint32_t>(random_() % n); }

 private:
    std::mt19937_64 random_;
};

const GuestMemory& Memory() {
    static const GuestMemory memory = QueueSession<RandomDecider>::MakeMemory();
    return memory;
}

constexpr int kSessions = 400;
constexpr int kSteps = 3000;

TEST(SplitQueueModel, HostileDriversSeeWhatTheModelSays) {
    std::set<QueueFault> seen;
    for (std::uint64_t seed = 1; seed <= kSessions; ++seed) {
        RandomDecider decide(seed);
        QueueSession session(Memory(), decide, 20);
        int after_fault = 0;
        for (int step = 0; step < kSteps && after_fault < 50; ++step) {
            ASSERT_STREQ(session.Step(), nullptr) << "seed " << seed << ", step " << step;
            after_fault += session.Broken() ? 1 : 0;
        }
        seen.insert(session.Fault().value_or(QueueFault::kSizeInvalid));
    }
    // Every fault that a running queue can have, and sessions without one (kSizeInvalid stands for these).
    seen.erase(QueueFault::kSizeInvalid);
    EXPECT_EQ(seen.size(), 11U);
}

TEST(SplitQueueModel, WellBehavedDriversAreServedForEver) {
    std::uint64_t longest = 0;
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
        RandomDecider decide(seed);
        QueueSession session(Memory(), decide, 0);
        for (int step = 0; step < 300 * kSteps; ++step) {
            ASSERT_STREQ(session.Step(), nullptr) << "seed " << seed << ", step " << step;
        }
        longest = std::max(longest, session.Served());
    }
    EXPECT_GT(longest, 0x1'0000U);  // indices wrapped
}

}  // namespace
}  // namespace husk
