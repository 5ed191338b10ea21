// SELinux as the launcher and doctor use it.
#include <fcntl.h>
#include <gtest/gtest.h>

#include <array>
#include <cerrno>

#include "sandbox/selinux/own_context.h"
#include "sandbox/selinux/selinux.h"
#include "tests/unit/selinux_fake_host.h"

namespace husk {
namespace {

constexpr const char* kProgram = "/proc/self/exe";
constexpr const char* kWayOut = " (--without selinux goes without this layer)";

class SelinuxConfinementTest : public SelinuxFolderTest {
 protected:
    SelinuxConfinementTest() { request_.journal_folder = Journals(); }
    std::string Refusal() { return RefusalOf(SelinuxConfinement::Prepare(request_, kProgram, host_)); }
    static std::string RefusalOf(const Result<std::optional<SelinuxConfinement>>& prepared) {
        return prepared ? "" : prepared.error().Message();
    }

    SelinuxRequest request_;
    FakeSelinuxHost host_;
};

TEST_F(SelinuxConfinementTest, WholeLifeOfAVm) {
    std::ofstream(Path("a.raw")) << "disk";
    const ScopedFd disk(::open(Path("a.raw").c_str(), O_RDWR | O_CLOEXEC));
    auto prepared = SelinuxConfinement::Prepare(request_, kProgram, host_);
    ASSERT_TRUE(prepared && *prepared);
    SelinuxConfinement confinement = std::move(**prepared);
    const auto target = SecurityContext::Parse(confinement.Target());
    ASSERT_TRUE(target);
    EXPECT_EQ(target->WithRange("").ToString(), "system_u:system_r:svirt_t");
    EXPECT_EQ(target->Categories().count(), 2U);
    EXPECT_TRUE(CategoriesAreInUse(target->Categories(), host_));
    ASSERT_TRUE(confinement.LabelDisk(disk.Get(), "a.raw", false));
    EXPECT_EQ(host_.labels.Get(disk.Get()), "system_u:object_r:svirt_image_t:" + target->range);
    confinement.RestoreLabels();
    EXPECT_EQ(host_.labels.Get(disk.Get()), kHomeLabel);
}

TEST_F(SelinuxConfinementTest, ContextsOfSocketsAndRolesLastAsLongAsTheirScopes) {
    auto prepared = SelinuxConfinement::Prepare(request_, kProgram, host_);
    ASSERT_TRUE(prepared && *prepared);
    {
        const auto sockets = (*prepared)->LabelSockets();
        ASSERT_TRUE(sockets);
        EXPECT_EQ(host_.socket_context, (*prepared)->Target());
        EXPECT_EQ(host_.exec_context, "");
    }
    EXPECT_EQ(host_.socket_context, "");
    {
        const auto role = (*prepared)->EnterTarget();
        ASSERT_TRUE(role);
        EXPECT_EQ(host_.exec_context, (*prepared)->Target());
    }
    EXPECT_EQ(host_.exec_context, "");
}

class SelinuxPipeTest : public SelinuxConfinementTest {
 protected:
    SelinuxPipeTest() : prepared_(SelinuxConfinement::Prepare(request_, kProgram, host_)) {
        std::array<int, 2> ends{};
        EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
        reading_.Reset(ends[0]);
        writing_.Reset(ends[1]);
    }
    SelinuxConfinement& Confinement() { return **prepared_; }

    Result<std::optional<SelinuxConfinement>> prepared_;
    ScopedFd reading_;
    ScopedFd writing_;
};

TEST_F(SelinuxPipeTest, PipeOfALoginLosesTheCategoriesThatNoVmHas) {
    host_.labels.Set(writing_.Get(), "staff_u:staff_r:staff_t:s0-s0:c0.c1023");
    Confinement().LabelPipe(writing_.Get());
    EXPECT_EQ(host_.labels.Get(reading_.Get()), "staff_u:staff_r:staff_t:s0");
}

TEST_F(SelinuxPipeTest, LowLevelStaysAsItIs) {
    host_.labels.Set(writing_.Get(), "staff_u:staff_r:staff_t:s0:c5-s0:c5,c7");
    Confinement().LabelPipe(writing_.Get());
    EXPECT_EQ(host_.labels.Get(writing_.Get()), "staff_u:staff_r:staff_t:s0:c5");
}

TEST_F(SelinuxPipeTest, PipeWithOneLevelIsLeftAlone) {
    host_.labels.Set(writing_.Get(), "system_u:system_r:initrc_t:s0");
    const int changes = host_.labels.Changes();
    Confinement().LabelPipe(writing_.Get());
    EXPECT_EQ(host_.labels.Changes(), changes);
}

TEST_F(SelinuxPipeTest, WhatIsNoPipeIsLeftAlone) {
    const ScopedFd file(::open(Disk("console.log").c_str(), O_WRONLY | O_CLOEXEC));
    host_.labels.Set(file.Get(), "staff_u:object_r:user_home_t:s0-s0:c0.c1023");
    Confinement().LabelPipe(file.Get());
    EXPECT_EQ(host_.labels.Get(file.Get()), "staff_u:object_r:user_home_t:s0-s0:c0.c1023");
}

TEST_F(SelinuxPipeTest, PipeThatCannotBeLabelledIsLeftToTheRoleThatGetsIt) {
    host_.labels.Set(writing_.Get(), "staff_u:staff_r:staff_t:s0-s0:c0.c1023");
    host_.refuse_labels_errno = EACCES;
    ::testing::internal::CaptureStderr();
    Confinement().LabelPipe(writing_.Get());
    EXPECT_TRUE(
        ::testing::internal::GetCapturedStderr().contains("SELinux: a pipe of the console: cannot give it the SELinux "
                                                          "label staff_u:staff_r:staff_t:s0: Permission denied"));
}

TEST_F(SelinuxConfinementTest, PairIsFreeAgainWhenTheVmIsGone) {
    host_.own = "staff_u:staff_r:staff_t:s0-s0:c1010,c1011";
    {
        auto first = SelinuxConfinement::Prepare(request_, kProgram, host_);
        ASSERT_TRUE(first && *first);
        EXPECT_EQ((*first)->Target(), "system_u:system_r:svirt_t:s0:c1010,c1011");
        EXPECT_EQ(Refusal(),
                  "SELinux: no category pair that nobody uses was found; 2 categories are there to choose "
                  "from" +
                      std::string(kWayOut));
    }
    EXPECT_EQ(Refusal(), "");
}

TEST_F(SelinuxConfinementTest, NothingWhereSelinuxIsNotActiveOrOff) {
    host_.active = false;
    const auto inactive = SelinuxConfinement::Prepare(request_, kProgram, host_);
    ASSERT_TRUE(inactive);
    EXPECT_FALSE(*inactive);
    host_.active = true;
    request_.mode = SelinuxRequest::Mode::kOff;
    const auto off = SelinuxConfinement::Prepare(request_, kProgram, host_);
    ASSERT_TRUE(off);
    EXPECT_FALSE(*off);
}

TEST_F(SelinuxConfinementTest, RequiredButNotActiveIsRefused) {
    host_.active = false;
    const std::string sentence =
        "SELinux is required but not active on this host: it takes a kernel started with it (security=selinux) and a "
        "policy" +
        std::string(kWayOut);
    request_.mode = SelinuxRequest::Mode::kRequired;
    EXPECT_EQ(Refusal(), sentence);
    request_.mode = SelinuxRequest::Mode::kAuto;
    request_.type = "svirt_t";
    EXPECT_EQ(Refusal(), sentence);
}

TEST_F(SelinuxConfinementTest, StaticLabelIsTakenAsItIs) {
    std::ofstream(Path("a.raw")) << "disk";
    const ScopedFd disk(::open(Path("a.raw").c_str(), O_RDWR | O_CLOEXEC));
    request_.label = "staff_u:staff_r:svirt_t:s0:c5";
    auto prepared = SelinuxConfinement::Prepare(request_, kProgram, host_);
    ASSERT_TRUE(prepared && *prepared);
    EXPECT_EQ((*prepared)->Target(), "staff_u:staff_r:svirt_t:s0:c5");
    ASSERT_TRUE((*prepared)->LabelDisk(disk.Get(), "a.raw", false));
    EXPECT_EQ(host_.labels.Get(disk.Get()), "system_u:object_r:svirt_image_t:s0:c5");
}

TEST_F(SelinuxConfinementTest, OptionsThatMeanNothingAreUsageErrors) {
    request_.label = "nonsense";
    const auto nonsense = SelinuxConfinement::Prepare(request_, kProgram, host_);
    ASSERT_FALSE(nonsense);
    EXPECT_EQ(nonsense.error().Kind(), ErrorKind::kUsage);
    EXPECT_EQ(nonsense.error().Message(), "--selinux-label: \"nonsense\" is not an SELinux context");
    request_.type = "svirt_t";
    const auto both = SelinuxConfinement::Prepare(request_, kProgram, host_);
    ASSERT_FALSE(both);
    EXPECT_EQ(both.error().Message(), "--selinux-type and --selinux-label cannot both be given");
}

TEST_F(SelinuxConfinementTest, LauncherWithoutCategoriesIsRefusedUnlessItsDomainMayGiveThem) {
    host_.own = "user_u:user_r:user_t:s0";
    EXPECT_EQ(Refusal(), "");
    host_.range_confines = true;
    const auto refused = SelinuxConfinement::Prepare(request_, kProgram, host_);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().Kind(), ErrorKind::kConfinement);
    EXPECT_TRUE(refused.error().Message().contains("husk's own range s0 does not contain the VM's categories s0:c"))
        << refused.error().Message();
}

TEST_F(SelinuxConfinementTest, PolicyWithoutCategoriesIsRefused) {
    host_.own = "user_u:user_r:user_t";
    EXPECT_EQ(
        Refusal(),
        "SELinux: this policy has no categories, so VMs cannot be kept apart; --selinux-label gives a context to use "
        "as it is" +
            std::string(kWayOut));
}

TEST_F(SelinuxConfinementTest, DoctorSaysWhatRunWouldDoWithoutDoingIt) {
    const SelinuxDescription description = DescribeSelinux(request_, kProgram, host_);
    EXPECT_TRUE(description.active);
    EXPECT_FALSE(description.refused);
    EXPECT_TRUE(
        description.summary.starts_with("enforcing; husk runs as staff_u:staff_r:staff_t:s0-s0:c0.c1023 and "
                                        "starts roles as system_u:system_r:svirt_t:s0:c"))
        << description.summary;
    EXPECT_TRUE(
        description.summary.ends_with(" (the policy's domain for virtual machines), with a pair of categories drawn "
                                      "anew for each VM"))
        << description.summary;
    EXPECT_TRUE(description.warnings.empty());
    EXPECT_FALSE(std::filesystem::exists(Journals()));
}

TEST_F(SelinuxConfinementTest, DoctorPredictsTheRefusalOfRun) {
    host_.denied = {"staff_t svirt_t process transition"};
    const SelinuxDescription description = DescribeSelinux(request_, kProgram, host_);
    EXPECT_TRUE(description.refused);
    EXPECT_EQ(description.summary, Refusal());
}

TEST_F(SelinuxConfinementTest, DoctorSaysWhenDisksWouldBeRefused) {
    host_.denied = {"staff_t svirt_image_t file relabelto"};
    const SelinuxDescription description = DescribeSelinux(request_, kProgram, host_);
    EXPECT_FALSE(description.refused);
    EXPECT_EQ(
        description.warnings,
        std::vector<std::string>{"SELinux: husk has no permission { relabelto } on svirt_image_t (file), so it cannot "
                                 "label disks for VMs"});
}

TEST_F(SelinuxConfinementTest, DoctorSaysThatSelinuxIsOffOrNotThere) {
    host_.active = false;
    EXPECT_EQ(DescribeSelinux(request_, kProgram, host_).summary, "not active");
    host_.active = true;
    request_.mode = SelinuxRequest::Mode::kOff;
    EXPECT_EQ(DescribeSelinux(request_, kProgram, host_).summary, "active, but switched off for husk");
}

TEST(OwnContext, OfAnotherProcessThatIsNotThereIsAnError) {
    const auto context = ReadProcessContext("0");
    ASSERT_FALSE(context);
    EXPECT_EQ(context.error().Kind(), ErrorKind::kConfinement);
}

TEST(OwnContext, ThatIsNotTheExpectedOneIsRefused) {
    const auto checked = CheckOwnContext("no_u:no_r:no_t:s0");
    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().Kind(), ErrorKind::kConfinement);
}

}  // namespace
}  // namespace husk
