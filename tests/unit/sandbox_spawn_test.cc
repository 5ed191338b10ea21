#include "sandbox/process/spawn.h"

#include <fcntl.h>

#include <array>

#include "tests/unit/sandbox_spawn_fixture.h"

namespace husk {
namespace {

constexpr std::array kNamespaceKinds{"user", "pid", "net", "ipc", "uts", "mnt"};
constexpr const char* kNoCapabilities = "0000000000000000";

class SpawnedRole : public testing::TestWithParam<Identity> {
 protected:
    // `body` looks at a probe started with `options`, as the parameter's user.
    template <typename Body>
    void Look(const SpawnOptions& options, Body body) {
        InChild(GetParam(), [&] {
            const Probe probe(program_.Path(), options);
            ASSERT_TRUE(probe.Process().has_value()) << probe.Process().error().Message();
            body(probe);
        });
    }
    ProbeProgram program_;
};
INSTANTIATE_TEST_SUITE_P(Users, SpawnedRole, testing::Values(Identity::kRunner, Identity::kOrdinaryUser), IdentityName);

TEST_P(SpawnedRole, HasAllNamespacesOfItsOwn) {
    Look({.namespaces = kNamespaceLayers, .required = kNamespaceLayers}, [](const Probe& probe) {
        (void)probe.Ask({});
        EXPECT_EQ(probe.Process()->namespaces, kNamespaceLayers);
        for (const char* kind : kNamespaceKinds) EXPECT_TRUE(probe.HasOwn(kind)) << kind;
    });
}

TEST_P(SpawnedRole, SharesTheNamespacesThatWereNotAskedFor) {
    Look({}, [](const Probe& probe) {
        (void)probe.Ask({});
        EXPECT_TRUE(probe.Process()->namespaces.Empty());
        for (const char* kind : kNamespaceKinds) EXPECT_FALSE(probe.HasOwn(kind)) << kind;
    });
}

TEST_P(SpawnedRole, CannotSeeProcessesOutsideItsPidNamespace) {
    Look({.namespaces = kNamespaceLayers}, [](const Probe& probe) {
        const ProbeReport report = probe.Ask({.outsider = ::getpid()});
        EXPECT_EQ(report.pid, 1);
        EXPECT_EQ(report.parent, 0);
        EXPECT_EQ(report.signal_outsider_errno, ESRCH);
        EXPECT_EQ(report.interfaces, 1U);  // lo
    });
    Look({.namespaces = {Layer::kUserNs}}, [](const Probe& probe) {
        const ProbeReport report = probe.Ask({.outsider = ::getpid()});
        EXPECT_EQ(report.parent, ::getpid());
        EXPECT_EQ(report.signal_outsider_errno, 0);
    });
}

TEST_P(SpawnedRole, HasNoCapabilityAndNoneToGain) {
    Look({.namespaces = kNamespaceLayers}, [](const Probe& probe) {
        (void)probe.Ask({});
        for (const char* set : {"CapEff", "CapPrm", "CapInh", "CapBnd", "CapAmb"}) {
            EXPECT_EQ(probe.Status(set), kNoCapabilities) << set;
        }
    });
    Look({.namespaces = kNamespaceLayers, .drop_bounding_set = false}, [](const Probe& probe) {
        (void)probe.Ask({});
        EXPECT_NE(probe.Status("CapBnd"), kNoCapabilities);
    });
}

TEST_P(SpawnedRole, HasNoCapabilityWithoutNamespacesEither) {
    Look({}, [](const Probe& probe) {
        (void)probe.Ask({});
        EXPECT_EQ(probe.Status("CapEff"), kNoCapabilities);
        EXPECT_EQ(probe.Status("CapPrm"), kNoCapabilities);
    });
}

TEST_P(SpawnedRole, MayStillMakeAnSELinuxTransitionAtItsExec) {
    Look({.namespaces = kNamespaceLayers}, [](const Probe& probe) {
        (void)probe.Ask({});
        EXPECT_EQ(probe.Status("NoNewPrivs"), "0");  // set later, by SealProcess
    });
}

TEST_P(SpawnedRole, HasTheHardLimitsItWasGiven) {
    Look({.limits = {.open_files = 64, .file_size = 123'456}}, [](const Probe& probe) {
        const ProbeReport report = probe.Ask({});
        EXPECT_EQ(report.core_limit, 0U);
        EXPECT_EQ(report.open_files_limit, 64U);
        EXPECT_EQ(report.file_size_limit, 123'456U);
    });
}

TEST_P(SpawnedRole, HoldsNothingButItsSlotsAndOneVariable) {
    const ScopedFd inherited(::open("/dev/null", O_RDONLY));  // NOLINT: not close-on-exec on purpose
    Look({.namespaces = kNamespaceLayers}, [](const Probe& probe) {
        const ProbeReport report = probe.Ask({});
        EXPECT_EQ(report.descriptors, 4U);  // three of /dev/null, and the channel
#ifndef HUSK_SANITIZED
        EXPECT_EQ(report.variables, 1U);
#endif
    });
}

TEST_P(SpawnedRole, DoesNotInheritWhatTheLauncherIgnoresOrBlocks) {
    InChild(GetParam(), [&] {
        ::signal(SIGINT, SIG_IGN);
        sigset_t blocked;
        ::sigemptyset(&blocked);
        ::sigaddset(&blocked, SIGUSR2);
        ::sigprocmask(SIG_BLOCK, &blocked, nullptr);
        const Probe probe(program_.Path(), {});
        const ProbeReport report = probe.Ask({});
        EXPECT_FALSE(report.sigint_ignored_at_start);
        EXPECT_FALSE(report.sigusr2_blocked_after_begin);
        sigset_t now;
        ::sigprocmask(SIG_BLOCK, nullptr, &now);
        EXPECT_EQ(::sigismember(&now, SIGUSR2), 1) << "the launcher's mask is what it was";
        EXPECT_EQ(::sigismember(&now, SIGTERM), 0);
        EXPECT_EQ(::prctl(PR_GET_DUMPABLE), 1) << "and so is all else that child and launcher share";
    });
}

TEST_P(SpawnedRole, ThatCannotRunSaysSo) {
    InChild(GetParam(), [] {
        const auto process = SpawnRole("/nowhere/husk", "blk", "husk: blk0", {}, {.namespaces = kNamespaceLayers});
        ASSERT_FALSE(process.has_value());
        EXPECT_EQ(process.error().Message(),
                  "cannot start role blk: cannot run its program (/nowhere/husk): No such file or directory");
        EXPECT_EQ(ErrnoOf(::waitpid(-1, nullptr, 0)), ECHILD) << "and leaves no child behind";
    });
}

TEST_P(SpawnedRole, WithASlotThatIsNotOpenSaysSo) {
    InChild(GetParam(), [&] {
        const std::array slots{SlotAssignment{1000, 3}};
        const auto process = SpawnRole(program_.Path(), "blk", "husk: blk0", slots);
        ASSERT_FALSE(process.has_value());
        EXPECT_NE(process.error().Message().find("cannot place its descriptors"), std::string::npos);
    });
}

TEST_P(SpawnedRole, StartsWithoutANamespaceThatTheHostLacks) {
    InChild(GetParam(), [&] {
        LimitNamespaces("net", 0);
        const Probe probe(program_.Path(), {.namespaces = kNamespaceLayers});
        ASSERT_TRUE(probe.Process().has_value()) << probe.Process().error().Message();
        EXPECT_EQ(probe.Process()->namespaces, kNamespaceLayers.Without({Layer::kNetNs}));
        ASSERT_EQ(probe.Process()->absent.size(), 1U);
        EXPECT_EQ(probe.Process()->absent[0].layer, Layer::kNetNs);
        EXPECT_EQ(probe.Ask({}).pid, 1);
    });
}

TEST_P(SpawnedRole, DoesNotStartWithoutANamespaceThatIsRequired) {
    InChild(GetParam(), [&] {
        LimitNamespaces("net", 0);
        const Probe probe(program_.Path(), {.namespaces = kNamespaceLayers, .required = {Layer::kNetNs}});
        ASSERT_FALSE(probe.Process().has_value());
        EXPECT_EQ(probe.Process().error().Kind(), ErrorKind::kConfinement);
        EXPECT_NE(probe.Process().error().Message().find("net-ns is required, but the sysctl"), std::string::npos);
        EXPECT_EQ(ErrnoOf(::waitpid(-1, nullptr, 0)), ECHILD);
    });
}

// A launcher that dies: after the role asked for its death signal, or before.
class LauncherDeath : public testing::Test {
 protected:
    void SetUp() override {
        int ends[2];
        ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
        ours_.Reset(ends[0]);
        theirs_.Reset(ends[1]);
    }
    [[nodiscard]] Result<RoleProcess> Spawn() const {
        const std::array slots{SlotAssignment{theirs_.Get(), kProbeChannel}};
        return SpawnRole(program_.Path(), "probe", "husk: probe", slots, {.namespaces = kNamespaceLayers});
    }
    void Send(const ProbeRequest& request) const {
        ASSERT_EQ(::send(ours_.Get(), &request, sizeof request, 0), ssize_t{sizeof request});
    }
    // How a role ends whose channel hangs up behind its first request.
    [[nodiscard]] int StatusAfterHangUp(const ProbeRequest& request) {
        Send(request);
        ours_.Reset();
        const auto role = Spawn();
        return role ? WaitForRole(*role) : -1;
    }

    ProbeProgram program_;
    ScopedFd ours_;
    ScopedFd theirs_;
};

TEST_F(LauncherDeath, KillsARoleInAPidNamespace) {
    InChild(Identity::kRunner, [&] {
        ASSERT_EQ(::prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
        const pid_t launcher = ::fork();
        if (launcher == 0) {
            const auto role = Spawn();
            Send({});
            ProbeReport report;
            ::_exit(role && ::recv(ours_.Get(), &report, sizeof report, 0) == ssize_t{sizeof report} ? 0 : 1);
        }
        int status = 0;
        ASSERT_EQ(::waitpid(launcher, &status, 0), launcher);
        ASSERT_EQ(status, 0);
        // It came to this process, which reaps for the launcher, and which holds its channel: only the signal ends it.
        ASSERT_GT(::waitpid(-1, &status, 0), 0);
        EXPECT_TRUE(WIFSIGNALED(status));
        EXPECT_EQ(WTERMSIG(status), SIGKILL);
    });
}

TEST_F(LauncherDeath, BeforeTheRoleBeganIsSeenOnItsChannel) {
    EXPECT_EQ(WEXITSTATUS(StatusAfterHangUp({.check_channel = true})), 1);  // ended by BeginRole
}

TEST_F(LauncherDeath, BeforeTheRoleBeganIsOtherwiseSeenWhenItAnswers) {
    EXPECT_EQ(WEXITSTATUS(StatusAfterHangUp({.check_channel = false})), 4);
}

}  // namespace
}  // namespace husk
