// The small parts of the block device: tasks, flush groups, failures worth telling.
#include <gtest/gtest.h>

#include <cerrno>
#include <memory>
#include <set>

#include "devices/virtio/blk/flush_group.h"
#include "devices/virtio/blk/host_failures.h"
#include "devices/virtio/blk/pace.h"

namespace husk {
namespace {

TEST(BlkTasks, EachIsHandedOutOnce) {
    const auto tasks = std::make_unique<BlkTasks>();
    std::set<BlkTaskIndex> taken;
    for (std::size_t i = 0; i < kBlkTasks; ++i) {
        ASSERT_TRUE(tasks->AnyFree());
        taken.insert(tasks->Next());
        tasks->TakeNext();
    }
    EXPECT_EQ(taken.size(), kBlkTasks);
    EXPECT_FALSE(tasks->AnyFree());
    tasks->Give(77);
    EXPECT_EQ(tasks->Next(), 77);
    EXPECT_EQ(tasks->InUse(), kBlkTasks - 1);
}

TEST(FlushGroup, FirstRunsAndLaterOnesShareTheNext) {
    FlushGroup flushes;
    EXPECT_TRUE(flushes.Begin(5));
    EXPECT_FALSE(flushes.Begin(6));
    EXPECT_FALSE(flushes.Begin(7));
    ASSERT_EQ(flushes.Running().size(), 1u);
    EXPECT_EQ(flushes.Running()[0], 5);

    EXPECT_EQ(flushes.End(), 6);
    ASSERT_EQ(flushes.Running().size(), 2u);
    EXPECT_EQ(flushes.Running()[1], 7);

    EXPECT_EQ(flushes.End(), std::nullopt);
    EXPECT_TRUE(flushes.Begin(8));
}

TEST(Pace, SlowOnesAreRememberedForAWhile) {
    Pace pace(100, 1000);
    EXPECT_TRUE(pace.Quick(0));
    pace.Took(100, 5000);
    EXPECT_TRUE(pace.Quick(5000));
    pace.Took(101, 6000);
    EXPECT_FALSE(pace.Quick(6999));
    pace.Took(1, 6999);
    EXPECT_FALSE(pace.Quick(6999));
    EXPECT_TRUE(pace.Quick(7000));
}

HostFailure Failure(int os_errno, DiskOperation operation, std::uint64_t offset = 0) {
    return {.os_errno = os_errno, .operation = operation, .offset = offset};
}

TEST(HostFailures, EachKindIsToldOnce) {
    HostFailures failures;
    failures.Record(Failure(EIO, DiskOperation::kRead, 512));
    failures.Record(Failure(EIO, DiskOperation::kRead, 1024));
    const auto first = failures.Take();
    ASSERT_TRUE(first);
    EXPECT_EQ(first->os_errno, EIO);
    EXPECT_EQ(first->offset, 512u);
    EXPECT_FALSE(failures.Take());
    failures.Record(Failure(EIO, DiskOperation::kRead, 2048));
    EXPECT_FALSE(failures.Take());
}

TEST(HostFailures, OtherOperationsAndErrorsAreOtherKinds) {
    HostFailures failures;
    failures.Record(Failure(EIO, DiskOperation::kRead));
    failures.Record(Failure(EIO, DiskOperation::kWrite));
    EXPECT_EQ(failures.Take()->operation, DiskOperation::kRead);
    EXPECT_EQ(failures.Take()->operation, DiskOperation::kWrite);
    failures.Record(Failure(ENOSPC, DiskOperation::kWrite));
    EXPECT_EQ(failures.Take()->os_errno, ENOSPC);
}

TEST(HostFailures, ErrnosThatDoNotExistAreDropped) {
    HostFailures failures;
    failures.Record(Failure(-1, DiskOperation::kRead));
    failures.Record(Failure(100'000, DiskOperation::kFlush));
    EXPECT_FALSE(failures.Take());
}

}  // namespace
}  // namespace husk
