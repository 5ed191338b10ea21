// The pool of threads: every task comes back once, and nobody sleeps through it.
#include <gtest/gtest.h>
#include <poll.h>

#include <array>
#include <atomic>
#include <thread>
#include <vector>

#include "devices/virtio/blk/io_pool.h"

namespace husk {
namespace {

// Counts how often each task ran; task `kSlow` waits until it is let go.
class CountingRunner : public IoPool::Runner {
 public:
    static constexpr IoPool::Task kSlow = 100;
    void RunTask(IoPool::Task task) override {
        while (task == kSlow && !let_go.load()) std::this_thread::yield();
        ++runs[task];
    }
    std::array<int, IoPool::kMaxTasks> runs{};  // a task's place is touched by whoever has the task
    std::atomic<bool> let_go{false};
};

bool Rings(const IoPool& pool, int milliseconds) {
    pollfd poll{.fd = pool.DoorbellFd(), .events = POLLIN, .revents = 0};
    return ::poll(&poll, 1, milliseconds) == 1;
}

// Takes `count` finished tasks, sleeping in between as a loop does.
std::vector<IoPool::Task> TakeFinished(IoPool& pool, std::size_t count) {
    std::vector<IoPool::Task> finished;
    while (finished.size() < count) {
        const bool there = pool.EnableDoorbell();
        if (!there && !Rings(pool, 10'000)) break;
        pool.DisableDoorbell();
        while (const auto task = pool.NextFinished()) finished.push_back(*task);
    }
    return finished;
}

TEST(IoPool, WithoutThreadsThereIsNoDoorbell) {
    CountingRunner runner;
    const IoPool pool(runner);
    EXPECT_FALSE(pool.Running());
    EXPECT_EQ(pool.DoorbellFd(), -1);
}

TEST(IoPool, TaskComesBackOnceAndRings) {
    CountingRunner runner;
    IoPool pool(runner);
    ASSERT_TRUE(pool.Start(2));
    pool.Submit(3);
    pool.Kick();
    EXPECT_EQ(TakeFinished(pool, 1), std::vector<IoPool::Task>{3});
    EXPECT_EQ(runner.runs[3], 1);
    EXPECT_FALSE(pool.HasFinished());
    EXPECT_EQ(pool.NextFinished(), std::nullopt);
}

TEST(IoPool, OneSlowTaskDoesNotHoldUpOthers) {
    CountingRunner runner;
    IoPool pool(runner);
    ASSERT_TRUE(pool.Start(2));
    pool.Submit(CountingRunner::kSlow);
    pool.Submit(1);
    pool.Submit(2);
    pool.Kick();
    EXPECT_EQ(TakeFinished(pool, 2), (std::vector<IoPool::Task>{1, 2}));
    runner.let_go = true;
    EXPECT_EQ(TakeFinished(pool, 1), std::vector<IoPool::Task>{CountingRunner::kSlow});
}

TEST(IoPool, OneThreadFinishesInTheOrderOfSubmission) {
    CountingRunner runner;
    IoPool pool(runner);
    ASSERT_TRUE(pool.Start(1));
    pool.Submit(CountingRunner::kSlow);
    std::vector<IoPool::Task> expected{CountingRunner::kSlow};
    for (IoPool::Task task = 0; task < 50; ++task) {
        pool.Submit(task);
        expected.push_back(task);
    }
    pool.Kick();
    runner.let_go = true;
    EXPECT_EQ(TakeFinished(pool, expected.size()), expected);
}

TEST(IoPool, AllTasksAtOnceComeBackOnceEachTimeAfterTime) {
    CountingRunner runner;
    runner.let_go = true;
    IoPool pool(runner);
    ASSERT_TRUE(pool.Start(4));
    constexpr int kRounds = 200;
    for (int round = 0; round < kRounds; ++round) {
        for (IoPool::Task task = 0; task < IoPool::kMaxTasks; ++task) pool.Submit(task);
        pool.Kick();
        ASSERT_EQ(TakeFinished(pool, IoPool::kMaxTasks).size(), IoPool::kMaxTasks);
    }
    for (const int runs : runner.runs) EXPECT_EQ(runs, kRounds);
}

TEST(IoPool, DoorbellIsSilentWhileTheLoopIsAwake) {
    CountingRunner runner;
    IoPool pool(runner);
    ASSERT_TRUE(pool.Start(1));
    pool.Submit(1);
    pool.Kick();
    while (!pool.HasFinished()) std::this_thread::yield();
    EXPECT_FALSE(Rings(pool, 0));
    EXPECT_TRUE(pool.EnableDoorbell());
}

TEST(IoPool, DoorbellIsSilentAgainOnceAnswered) {
    CountingRunner runner;
    IoPool pool(runner);
    ASSERT_TRUE(pool.Start(1));
    ASSERT_FALSE(pool.EnableDoorbell());
    pool.Submit(1);
    pool.Kick();
    ASSERT_TRUE(Rings(pool, 10'000));
    pool.DisableDoorbell();
    EXPECT_FALSE(Rings(pool, 0));
}

TEST(IoPool, EndsWithTasksNobodyTook) {
    CountingRunner runner;
    runner.let_go = true;
    IoPool pool(runner);
    ASSERT_TRUE(pool.Start(2));
    for (IoPool::Task task = 0; task < 100; ++task) pool.Submit(task);
    pool.Kick();
    pool.StopThreads();
    EXPECT_FALSE(pool.Running());
}

}  // namespace
}  // namespace husk
