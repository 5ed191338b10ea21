// A life of the guest, its roles played by children that do no more than end.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <string>
#include <utility>
#include <vector>

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
    // Signals changes what is blocked and what is ignored.
    Life() {
        ::sigprocmask(SIG_BLOCK, nullptr, &mask_);
        for (std::size_t i = 0; i < kIgnored.size(); ++i) ::sigaction(kIgnored[i], nullptr, &actions_[i]);
    }
    ~Life() override {
        for (std::size_t i = 0; i < kIgnored.size(); ++i) ::sigaction(kIgnored[i], &actions_[i], nullptr);
        ::sigprocmask(SIG_SETMASK, &mask_, nullptr);
    }

    // A role that says something, hangs up, and whose process takes so long to be gone.
    void AddRole(const std::string& name, unsigned milliseconds, const std::function<void(const Channel&)>& says = {}) {
        const pid_t pid = ::fork();
        ASSERT_GE(pid, 0);
        if (pid == 0) {
            ::usleep(milliseconds * 1000);
            ::_exit(0);
        }
        auto ends = Channel::CreatePair().value();   // made now, so that the child has none of it
        ASSERT_TRUE(SendMessage(ends.first, Go{}));  // which it never reads
        if (says) says(ends.second);
        RoleProcess process{.pid = pid,
                            .pidfd = ScopedFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))),
                            .namespaces = {},
                            .absent = {}};
        family_.roles.push_back({.name = name, .channel = std::move(ends.first), .process = std::move(process)});
    }
    Ending Run() {
        const Signals signals;
        ConsoleClients clients(resources_.console, resources_.ports);
        return RunLife(family_, resources_, signals, clients, [] { return std::string(); });
    }

    Family family_;
    HostResources resources_;

 private:
    static constexpr std::array kIgnored{SIGPIPE, SIGTTOU};
    sigset_t mask_{};
    std::array<struct sigaction, kIgnored.size()> actions_{};
};

TEST_F(Life, RolesThatHaveHungUpAreWaitedForWithoutDoingAnything) {
    const std::uint64_t begun = Nanoseconds(CLOCK_MONOTONIC);
    AddRole("vmm", 200, [](const Channel& launcher) {
        GuestEnded ended;
        ended.reason = GuestEnded::Reason::kPoweroff;
        EXPECT_TRUE(SendMessage(launcher, ended));
    });
    AddRole("console", 400);
    const std::uint64_t processor = Nanoseconds(CLOCK_THREAD_CPUTIME_ID);
    EXPECT_EQ(Run().status, ExitStatus::kPoweredOff);
    const std::uint64_t waited = Nanoseconds(CLOCK_MONOTONIC) - begun;
    EXPECT_GE(waited, 300'000'000U);
    EXPECT_LT(Nanoseconds(CLOCK_THREAD_CPUTIME_ID) - processor, waited / 20);
}

// Its process ends after that of another role, which is then no reason any more.
TEST_F(Life, LastWordsBehindAMessageThatIsNoneAreHeardAtOnce) {
    AddRole("vmm", 300, [](const Channel& launcher) {
        EXPECT_TRUE(launcher.Send(std::vector<std::byte>(sizeof(MessageBuffer::bytes) + 1)));
        Failed failed;
        failed.error_kind = static_cast<std::uint32_t>(ErrorKind::kConfinement);
        failed.text.Assign("not sealed");
        EXPECT_TRUE(SendMessage(launcher, failed));
    });
    AddRole("console", 100);
    const Ending ending = Run();
    EXPECT_EQ(ending.status, ExitStatus::kConfinementRefused);
    EXPECT_EQ(ending.sentence, "not sealed");
}

}  // namespace
}  // namespace husk
