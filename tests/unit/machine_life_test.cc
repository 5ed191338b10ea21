// A life of the guest, its roles played by children that do no more than end.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "vmm/machine/life.h"
#include "vmm/roles/mailbox.h"

namespace husk {
namespace {

std::uint64_t Nanoseconds(clockid_t clock) {
    timespec now{};
    ::clock_gettime(clock, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

class Life : public testing::Test {
 protected:
    Life() { ::sigprocmask(SIG_BLOCK, nullptr, &mask_); }
    ~Life() override { ::sigprocmask(SIG_SETMASK, &mask_, nullptr); }  // Signals changes it

    // A role that has said its last word and hung up, and whose process takes so long to be gone.
    void AddRole(const std::string& name, unsigned milliseconds, const MessageBuffer* last_word) {
        const pid_t pid = ::fork();
        ASSERT_GE(pid, 0);
        if (pid == 0) {
            ::usleep(milliseconds * 1000);
            ::_exit(0);
        }
        auto ends = Channel::CreatePair().value();  // made now, so that the child has none of it
        if (last_word != nullptr) {
            ASSERT_TRUE(ends.second.Send(last_word->Bytes()));
        }
        RoleProcess process{.pid = pid,
                            .pidfd = ScopedFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))),
                            .namespaces = {},
                            .absent = {}};
        family_.roles.push_back({.name = name, .channel = std::move(ends.first), .process = std::move(process)});
    }

    Family family_;
    HostResources resources_;

 private:
    sigset_t mask_{};
};

TEST_F(Life, RolesThatHaveHungUpAreWaitedForWithoutDoingAnything) {
    GuestEnded ended;
    ended.reason = GuestEnded::Reason::kPoweroff;
    const MessageBuffer powered_off = MessageBuffer::Encode(ended);
    AddRole("vmm", 200, &powered_off);
    AddRole("console", 400, nullptr);
    const Signals signals;
    ConsoleClients clients(resources_.console, resources_.ports);
    const std::uint64_t begun = Nanoseconds(CLOCK_MONOTONIC);
    const std::uint64_t processor = Nanoseconds(CLOCK_THREAD_CPUTIME_ID);
    const Ending ending = RunLife(family_, resources_, signals, clients, [] { return std::string(); });
    const std::uint64_t waited = Nanoseconds(CLOCK_MONOTONIC) - begun;
    EXPECT_EQ(ending.status, ExitStatus::kPoweredOff);
    EXPECT_GE(waited, 300'000'000U);
    EXPECT_LT(Nanoseconds(CLOCK_THREAD_CPUTIME_ID) - processor, waited / 20);
}

}  // namespace
}  // namespace husk
