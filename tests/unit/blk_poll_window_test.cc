// The polling policy, on clocks of its own.
#include <gtest/gtest.h>

#include "devices/virtio/blk/poll_window.h"

namespace husk {
namespace {

constexpr std::uint64_t kUs = 1000;
constexpr std::uint64_t kMs = 1000 * kUs;

// A loop whose looks are 1 us apart, and work that comes `gap` after it ran empty.
class Loop {
 public:
    // Gives the nanoseconds spent looking.
    std::uint64_t IdleFor(std::uint64_t gap) {
        const std::uint64_t since = now_;
        bool looking = window.Begin(now_);
        while (looking && now_ - since < gap) {
            now_ += kUs;
            looking = window.GoOn(now_);
        }
        const std::uint64_t looked = now_ - since;
        now_ = std::max(now_, since + gap);
        if (looking) {
            window.Hit(now_);
            hits += 1;
        } else {
            window.WorkCame(now_);
        }
        return looked;
    }
    // As above, but something else takes the CPU for `taken` after the first look.
    void LoseTheCpuFor(std::uint64_t taken) {
        if (!window.Begin(now_)) return;
        now_ += taken;
        EXPECT_FALSE(window.GoOn(now_));
        window.WorkCame(now_);
    }
    void Pass(std::uint64_t time) { now_ += time; }

    PollWindow window;
    int hits = 0;

 private:
    std::uint64_t now_ = 1'000 * kMs;
};

TEST(PollWindow, BeginsWithoutPolling) {
    Loop loop;
    EXPECT_EQ(loop.IdleFor(50 * kUs), 0u);
}

TEST(PollWindow, WorkShortlyAfterSleepingOpensIt) {
    Loop loop;
    loop.IdleFor(50 * kUs);
    EXPECT_GE(loop.window.Window(), 100 * kUs);
    loop.IdleFor(50 * kUs);
    EXPECT_EQ(loop.hits, 1);
}

TEST(PollWindow, NeverWiderThanItsMaximum) {
    Loop loop;
    for (int i = 0; i < 100; ++i) loop.IdleFor(190 * kUs);
    EXPECT_EQ(loop.window.Window(), PollWindow::kMaxWindow);
}

TEST(PollWindow, RareWorkClosesIt) {
    Loop loop;
    for (int i = 0; i < 10; ++i) loop.IdleFor(50 * kUs);
    for (int i = 0; i < 10; ++i) loop.IdleFor(10 * kMs);
    EXPECT_EQ(loop.window.Window(), 0u);
    EXPECT_EQ(loop.IdleFor(10 * kMs), 0u);
}

TEST(PollWindow, ComesDownToTheGapsThereAre) {
    Loop loop;
    loop.IdleFor(100 * kUs);
    for (int i = 0; i < 100; ++i) loop.IdleFor(10 * kUs);
    EXPECT_LE(loop.window.Window(), 40 * kUs);
    EXPECT_EQ(loop.hits, 100);
}

// Gaps that are just too long for any window, for ever.
TEST(PollWindow, LooksForNothingTakeAFifthOfTheTimeAtMost) {
    Loop loop;
    std::uint64_t looked = 0;
    std::uint64_t passed = 0;
    while (passed < 1'000 * kMs) {
        looked += loop.IdleFor(260 * kUs);
        passed += 260 * kUs;
    }
    EXPECT_LE(looked, passed / 5 + PollWindow::kBudgetMax + PollWindow::kMaxWindow);
    EXPECT_GE(looked, passed / 10);
}

// The budget comes back slower than it went: a look of what is there of it would end before work comes.
TEST(PollWindow, LooksWholeWindowsOrNotAtAll) {
    Loop loop;
    for (int i = 0; i < 1000; ++i) {
        const std::uint64_t window = loop.window.Window();
        const std::uint64_t looked = loop.IdleFor(260 * kUs);
        EXPECT_TRUE(looked == 0 || looked >= window) << looked << " of " << window;
    }
}

TEST(PollWindow, LosingTheCpuPausesPolling) {
    Loop loop;
    loop.IdleFor(50 * kUs);
    loop.LoseTheCpuFor(3 * kMs);
    loop.IdleFor(50 * kUs);
    EXPECT_EQ(loop.hits, 0);
    loop.Pass(2 * kMs);
    loop.IdleFor(50 * kUs);
    EXPECT_EQ(loop.hits, 1);
}

TEST(PollWindow, LosingItAgainPausesForLonger) {
    Loop loop;
    loop.IdleFor(50 * kUs);
    loop.LoseTheCpuFor(100 * kUs);
    loop.Pass(3 * kMs);
    loop.IdleFor(50 * kUs);
    loop.LoseTheCpuFor(100 * kUs);
    loop.Pass(3 * kMs);
    EXPECT_EQ(loop.IdleFor(50 * kUs), 0u);
}

TEST(PollWindow, WorkFoundAfterLosingTheCpuPausesToo) {
    PollWindow window;
    ASSERT_FALSE(window.Begin(100 * kMs));
    window.WorkCame(100 * kMs + 50 * kUs);
    ASSERT_TRUE(window.Begin(101 * kMs));
    window.Hit(101 * kMs + 80 * kUs);
    EXPECT_FALSE(window.Begin(102 * kMs));
}

}  // namespace
}  // namespace husk
