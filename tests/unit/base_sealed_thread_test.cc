#include "vmm/base/sealed_thread.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

namespace husk {
namespace {

#ifdef HUSK_TRAP_ALLOCATIONS
constexpr bool kTraps = true;
#else
constexpr bool kTraps = false;
#endif

// How a child ends that does this.
template <typename Act>
int StatusOf(Act act) {
    const pid_t child = ::fork();
    if (child == 0) {
        act();
        ::_exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return status;
}

void Allocate() {
    void* volatile block = std::malloc(10);
    std::free(block);
}

TEST(SealedThread, MayAllocateBefore) { EXPECT_EQ(StatusOf(Allocate), 0); }

TEST(SealedThread, DiesOfAnAllocationInTheBuildThatTraps) {
    const int status = StatusOf([] {
        ForbidAllocation();
        Allocate();
    });
    EXPECT_EQ(WIFSIGNALED(status) && WTERMSIG(status) == SIGILL, kTraps);
}

TEST(SealedThread, DiesOfFreeingToo) {
    void* volatile block = std::malloc(10);  // volatile: or the compiler sees that nothing is done with it
    const int status = StatusOf([&block] {
        ForbidAllocation();
        std::free(block);
    });
    std::free(block);
    EXPECT_EQ(WIFSIGNALED(status) && WTERMSIG(status) == SIGILL, kTraps);
}

}  // namespace
}  // namespace husk
