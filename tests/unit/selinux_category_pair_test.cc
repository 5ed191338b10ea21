// Category pairs: two different ones, of what the launcher has, used by nobody else while the launcher lives.
#include <gtest/gtest.h>
#include <signal.h>

#include <array>
#include <set>
#include <utility>

#include "sandbox/selinux/category_pair.h"
#include "tests/unit/selinux_fake_host.h"
#include "vmm/base/scoped_fd.h"

namespace husk {
namespace {

CategorySet FirstCategories(unsigned count) { return ~CategorySet{} >> (kCategories - count); }

struct Pipe {
    Pipe() {
        std::array<int, 2> ends{};
        EXPECT_EQ(::pipe(ends.data()), 0);
        read = ScopedFd(ends[0]);
        write = ScopedFd(ends[1]);
    }
    ScopedFd read, write;
};

// A process that reserves a pair of `from`, reports it, and keeps it until `hold` is closed.
pid_t StartReserver(const CategorySet& from, Pipe& report, Pipe& hold) {
    const pid_t child = ::fork();
    if (child == 0) {
        hold.write.Reset();
        const FakeSelinuxHost host;
        const auto reservation = PairReservation::Reserve(from, host);
        const CategoryPair pair = reservation ? reservation->Pair() : CategoryPair{};
        (void)!::write(report.write.Get(), &pair, sizeof(pair));
        char end = 0;
        (void)!::read(hold.read.Get(), &end, 1);
        ::_exit(0);
    }
    return child;
}

CategoryPair ReadPair(const Pipe& report) {
    CategoryPair pair;
    EXPECT_EQ(::read(report.read.Get(), &pair, sizeof(pair)), static_cast<ssize_t>(sizeof(pair)));
    return pair;
}

TEST(CategoryPair, IsTwoDifferentCategoriesInOrder) {
    std::set<unsigned> seen;
    for (int draw = 0; draw < 2000; ++draw) {
        const auto pair = DrawCategoryPair(FirstCategories(5));
        ASSERT_TRUE(pair);
        ASSERT_LT(pair->low, pair->high);
        ASSERT_LT(pair->high, 5U);
        seen.insert(pair->low * 5 + pair->high);
    }
    EXPECT_EQ(seen.size(), 10U);
    EXPECT_EQ((CategoryPair{7, 1023}.ToString()), "c7,c1023");
}

TEST(CategoryPair, NeedsTwoCategoriesToChooseFrom) {
    const auto pair = DrawCategoryPair(FirstCategories(1));
    ASSERT_FALSE(pair);
    EXPECT_EQ(pair.error().Kind(), ErrorKind::kConfinement);
    EXPECT_EQ(pair.error().Message(), "SELinux: there are no two categories to choose from");
}

// 276 pairs for 200 launchers: most of them meet taken ones.
TEST(PairReservation, TwoHundredLaunchersAtOnceHaveDifferentPairs) {
    Pipe report, hold;
    std::vector<pid_t> launchers;
    for (int i = 0; i < 200; ++i) launchers.push_back(StartReserver(FirstCategories(24), report, hold));
    std::set<std::pair<unsigned, unsigned>> pairs;
    for (int i = 0; i < 200; ++i) {
        const CategoryPair pair = ReadPair(report);
        EXPECT_NE(pair, CategoryPair{});
        pairs.emplace(pair.low, pair.high);
    }
    hold.write.Reset();
    for (const pid_t launcher : launchers) ::waitpid(launcher, nullptr, 0);
    EXPECT_EQ(pairs.size(), 200U);
}

TEST(PairReservation, EndsWithItsLauncherHoweverThatDies) {
    const CategorySet only = CategorySet().set(1000).set(1001);
    const FakeSelinuxHost host;
    Pipe report, hold;
    const pid_t launcher = StartReserver(only, report, hold);
    ASSERT_EQ(ReadPair(report), (CategoryPair{1000, 1001}));
    EXPECT_TRUE(CategoriesAreInUse(only, host));
    const auto refused = PairReservation::Reserve(only, host);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().Message(),
              "SELinux: no category pair that nobody uses was found; 2 categories are there to choose from");
    ::kill(launcher, SIGKILL);
    ::waitpid(launcher, nullptr, 0);
    EXPECT_FALSE(CategoriesAreInUse(only, host));
    EXPECT_TRUE(PairReservation::Reserve(only, host));
}

TEST(PairReservation, AvoidsPairsOfRunningProcesses) {
    FakeSelinuxHost host;
    host.running = {"kernel", "system_u:system_r:svirt_t:s0:c1,c2", "system_u:system_r:svirt_t:s0:c0,c1"};
    for (int draw = 0; draw < 50; ++draw) {
        const auto reservation = PairReservation::Reserve(FirstCategories(3), host);
        ASSERT_TRUE(reservation);
        EXPECT_EQ(reservation->Pair(), (CategoryPair{0, 2}));
    }
    EXPECT_TRUE(CategoriesAreInUse(CategorySet().set(1).set(2), host));
    EXPECT_FALSE(CategoriesAreInUse(CategorySet().set(0).set(2), host));
}

}  // namespace
}  // namespace husk
