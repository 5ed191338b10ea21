#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <utility>

#include "vmm/base/event_fd.h"
#include "vmm/base/scoped_fd.h"
#include "vmm/base/shared_memory.h"

namespace husk {
namespace {

ScopedFd SomeFd() { return ScopedFd(::open("/dev/null", O_RDWR | O_CLOEXEC)); }
bool IsOpen(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

TEST(ScopedFd, OwnsNothingAtFirst) {
    const ScopedFd fd;
    EXPECT_FALSE(fd);
    EXPECT_EQ(fd.Get(), -1);
}

TEST(ScopedFd, ClosesAtTheEndOfItsScope) {
    int number = -1;
    {
        const ScopedFd fd = SomeFd();
        number = fd.Get();
        EXPECT_TRUE(IsOpen(number));
    }
    EXPECT_FALSE(IsOpen(number));
}

TEST(ScopedFd, MovedFromOwnsNothing) {
    ScopedFd from = SomeFd();
    const int number = from.Get();
    const ScopedFd to = std::move(from);
    EXPECT_EQ(from.Get(), -1);  // NOLINT(bugprone-use-after-move): what a moved-from one says is the point
    EXPECT_EQ(to.Get(), number);
    EXPECT_TRUE(IsOpen(number));
}

TEST(ScopedFd, AssignmentClosesWhatWasThere) {
    ScopedFd fd = SomeFd();
    ScopedFd other = SomeFd();
    const int old = fd.Get();
    fd = std::move(other);
    EXPECT_FALSE(IsOpen(old));
    EXPECT_TRUE(IsOpen(fd.Get()));
}

TEST(ScopedFd, AssignmentToItselfKeepsTheDescriptor) {
    ScopedFd fd = SomeFd();
    ScopedFd& same = fd;
    fd = std::move(same);
    EXPECT_TRUE(IsOpen(fd.Get()));
}

TEST(ScopedFd, ReleaseLeavesTheDescriptorOpen) {
    ScopedFd fd = SomeFd();
    const ScopedFd keeper(fd.Release());
    EXPECT_FALSE(fd);
    EXPECT_TRUE(IsOpen(keeper.Get()));
}

TEST(ScopedFd, ResetClosesAndTakesTheNewOne) {
    ScopedFd fd = SomeFd();
    const int old = fd.Get();
    fd.Reset();
    EXPECT_FALSE(IsOpen(old));
    EXPECT_FALSE(fd);
}

TEST(EventFd, IsQuietAtFirst) {
    const auto event = EventFd::Create();
    ASSERT_TRUE(event);
    EXPECT_FALSE(event->Drain());
}

TEST(EventFd, SignalsAreDrainedTogether) {
    const auto event = EventFd::Create();
    ASSERT_TRUE(event);
    event->Signal();
    event->Signal();
    EXPECT_TRUE(event->Drain());
    EXPECT_FALSE(event->Drain());
}

TEST(EventFd, SignalWakesAPoll) {
    const auto event = EventFd::Create();
    ASSERT_TRUE(event);
    pollfd waiting{event->Get(), POLLIN, 0};
    EXPECT_EQ(::poll(&waiting, 1, 0), 0);
    event->Signal();
    EXPECT_EQ(::poll(&waiting, 1, 0), 1);
}

TEST(EventFd, SignalOfAFullCounterDoesNotBlock) {
    const auto event = EventFd::Create();
    ASSERT_TRUE(event);
    const std::uint64_t most = ~std::uint64_t{0} - 1;
    ASSERT_EQ(::write(event->Get(), &most, sizeof most), ssize_t{sizeof most});
    event->Signal();
    EXPECT_TRUE(event->Drain());
}

TEST(EventFd, IsClosedOnExec) {
    const auto event = EventFd::Create();
    ASSERT_TRUE(event);
    EXPECT_EQ(::fcntl(event->Get(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}

// --- Pages that two roles share ---

struct Page {
    std::uint64_t value;
};

TEST(SharedPages, FreshPagesAreZero) {
    const auto pages = SharedPages<Page>::Create("husk-test");
    ASSERT_TRUE(pages);
    EXPECT_EQ((*pages)->value, 0u);
}

TEST(SharedPages, BothSidesSeeTheSame) {
    const auto ours = SharedPages<Page>::Create("husk-test");
    ASSERT_TRUE(ours);
    const auto theirs = SharedPages<Page>::Attach(ScopedFd(::dup(ours->Fd())));
    ASSERT_TRUE(theirs);
    (*ours)->value = 42;
    EXPECT_EQ((*theirs)->value, 42u);
}

TEST(SharedPages, CannotShrinkUnderTheOtherSide) {
    const auto pages = SharedPages<Page>::Create("husk-test");
    ASSERT_TRUE(pages);
    EXPECT_NE(::ftruncate(pages->Fd(), 0), 0);
}

TEST(SharedPages, AttachRefusesMemoryWithoutSeals) {
    ScopedFd fd(::memfd_create("husk-test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    ASSERT_EQ(::ftruncate(fd.Get(), sizeof(Page)), 0);
    EXPECT_FALSE(SharedPages<Page>::Attach(std::move(fd)));
}

TEST(SharedPages, AttachRefusesAnotherSize) {
    const auto small = SharedPages<std::uint32_t>::Create("husk-test");
    ASSERT_TRUE(small);
    EXPECT_FALSE(SharedPages<Page>::Attach(ScopedFd(::dup(small->Fd()))));
}

TEST(SharedPages, AttachRefusesWhatIsNoMemory) {
    EXPECT_FALSE(SharedPages<Page>::Attach(SomeFd()));
    EXPECT_FALSE(SharedPages<Page>::Attach(ScopedFd()));
}

}  // namespace
}  // namespace husk
