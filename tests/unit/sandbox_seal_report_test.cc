// What SealProcess says of hosts that lack a layer, or have it and refuse: played by a seccomp filter.
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>

#include <array>
#include <cstddef>

#include "sandbox/process/landlock.h"
#include "sandbox/process/seal_process.h"
#include "tests/unit/sandbox_child.h"

namespace husk {
namespace {

// From now on, system call `number` (with `first` as its first argument, if that is not 0) fails with `os_errno`.
void MakeFail(long number, unsigned first, int os_errno) {
    const auto load = [](std::size_t offset) { return sock_filter{BPF_LD | BPF_W | BPF_ABS, 0, 0, unsigned(offset)}; };
    const auto unless = [](unsigned value, std::uint8_t skip) {
        return sock_filter{BPF_JMP | BPF_JEQ | BPF_K, 0, skip, value};
    };
    std::array program{load(offsetof(seccomp_data, nr)),
                       unless(unsigned(number), 3),
                       load(offsetof(seccomp_data, args)),
                       first != 0 ? unless(first, 1) : sock_filter{BPF_JMP | BPF_JA, 0, 0, 0},
                       sock_filter{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | unsigned(os_errno)},
                       sock_filter{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW}};
    const sock_fprog filter{program.size(), program.data()};
    ASSERT_EQ(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    ASSERT_EQ(::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter), 0);
}

constexpr unsigned kPrSetMdwe = 65;
constexpr unsigned kPrGetMdwe = 66;

bool Mentions(const Error& error, std::string_view text) { return error.Message().find(text) != std::string::npos; }

TEST(SealReport, NamesEachStepAndItsDuration) {
    InChild(Identity::kRunner, [] {
        const auto report = SealProcess({.without = {}, .required = {}, .open_files = 64});
        ASSERT_TRUE(report.has_value()) << report.error().Message();
        EXPECT_EQ(report->Of(SealStep::kDumpable).outcome, SealOutcome::kApplied);
        EXPECT_EQ(report->Of(SealStep::kNoNewPrivs).outcome, SealOutcome::kApplied);
        EXPECT_EQ(report->Of(SealStep::kCapabilities).outcome, SealOutcome::kApplied);
        EXPECT_EQ(report->Of(SealStep::kLimits).outcome, SealOutcome::kApplied);
        EXPECT_GT(report->Of(SealStep::kCapabilities).nanoseconds, 0U);
    });
}

TEST(SealReport, ALayerThatIsWaivedIsNotApplied) {
    InChild(Identity::kRunner, [] {
        const auto report =
            SealProcess({.without = {Layer::kMdwe, Layer::kLandlock}, .required = {}, .open_files = 64});
        ASSERT_TRUE(report.has_value()) << report.error().Message();
        EXPECT_EQ(report->Of(SealStep::kMdwe).outcome, SealOutcome::kWaived);
        EXPECT_EQ(report->Of(SealStep::kLandlock).outcome, SealOutcome::kWaived);
    });
}

TEST(SealReport, AnOldKernelLacksMdweAndLandlock) {
    InChild(Identity::kRunner, [] {
        MakeFail(SYS_prctl, kPrSetMdwe, EINVAL);
        MakeFail(SYS_prctl, kPrGetMdwe, EINVAL);
        MakeFail(SYS_landlock_create_ruleset, 0, ENOSYS);
        const auto report = SealProcess({.without = {}, .required = {}, .open_files = 64});
        ASSERT_TRUE(report.has_value()) << report.error().Message();
        EXPECT_EQ(report->Of(SealStep::kMdwe).outcome, SealOutcome::kAbsent);
        EXPECT_EQ(report->Of(SealStep::kLandlock).outcome, SealOutcome::kAbsent);
        EXPECT_EQ(report->landlock_abi, 0);
    });
}

TEST(SealReport, ARequiredLayerThatTheHostLacksIsARefusal) {
    InChild(Identity::kRunner, [] {
        MakeFail(SYS_landlock_create_ruleset, 0, EOPNOTSUPP);
        const auto report = SealProcess({.without = {}, .required = {Layer::kLandlock}, .open_files = 64});
        ASSERT_FALSE(report.has_value());
        EXPECT_EQ(report.error().Kind(), ErrorKind::kConfinement);
        EXPECT_TRUE(Mentions(report.error(), "--require landlock")) << report.error().Message();
    });
}

TEST(SealReport, ALayerThatCannotBeAppliedIsARefusalThatSaysHowToWaiveIt) {
    InChild(Identity::kRunner, [] {
        MakeFail(SYS_prctl, kPrSetMdwe, EPERM);
        const auto report = SealProcess({.without = {}, .required = {}, .open_files = 64});
        ASSERT_FALSE(report.has_value());
        EXPECT_EQ(report.error().Kind(), ErrorKind::kConfinement);
        EXPECT_TRUE(Mentions(report.error(), "--without mdwe")) << report.error().Message();
    });
}

TEST(SealReport, AStepThatNobodyCanWaiveIsARefusal) {
    InChild(Identity::kRunner, [] {
        MakeFail(SYS_capset, 0, EPERM);
        const auto report = SealProcess({.without = {}, .required = {}, .open_files = 64});
        ASSERT_FALSE(report.has_value());
        EXPECT_EQ(report.error().Kind(), ErrorKind::kConfinement);
        EXPECT_TRUE(Mentions(report.error(), "capabilities")) << report.error().Message();
    });
}

}  // namespace
}  // namespace husk
