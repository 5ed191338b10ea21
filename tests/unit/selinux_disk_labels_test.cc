// Disks get the VM's label and their own one back; a launcher killed at any step leaves what the next start repairs.
#include <fcntl.h>
#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <memory>

#include "sandbox/selinux/category_pair.h"
#include "sandbox/selinux/disk_labels.h"
#include "sandbox/selinux/label_repair.h"
#include "tests/unit/selinux_fake_host.h"

namespace husk {
namespace {

constexpr const char* kVmLabel = "system_u:object_r:svirt_image_t:s0:c1,c2";
constexpr const char* kContentLabel = "system_u:object_r:virt_content_t:s0";

class DiskLabelsTest : public SelinuxFolderTest {
 protected:
    DiskLabelRules Rules() const {
        return {.images = ReadImageContexts(host_).value(),
                .launcher = host_.own,
                .target = SecurityContext::Parse("system_u:system_r:svirt_t:s0:c1,c2").value(),
                .enforcing = host_.enforcing,
                .journal_folder = Journals()};
    }
    std::string Refusal(bool read_only = false) {
        DiskLabels labels(Rules(), host_);
        const auto labelled = labels.Label(disk_.Get(), "a.raw", read_only);
        EXPECT_EQ(labelled ? ErrorKind::kConfinement : labelled.error().Kind(), ErrorKind::kConfinement);
        return labelled ? "" : labelled.error().Message();
    }
    std::string LabelOf(const ScopedFd& fd) const { return host_.labels.Get(fd.Get()); }
    static ScopedFd Opened(const std::string& path) { return ScopedFd(::open(path.c_str(), O_RDWR | O_CLOEXEC)); }
    // A launcher that labels a disk, puts the label back, and is killed at step `die_at` of that.
    void RunLauncher(const std::string& path, int die_at) {
        InAChild([&] {
            host_.die_at = die_at;
            DiskLabels labels(Rules(), host_);
            (void)labels.Label(Opened(path).Get(), path, false);
            labels.Restore();
        });
    }

    FakeSelinuxHost host_;
    ScopedFd disk_ = Opened(Disk("a.raw"));
};

TEST_F(DiskLabelsTest, DiskHasThePairWhileTheVmRunsAndItsOldLabelAfterwards) {
    DiskLabels labels(Rules(), host_);
    ASSERT_TRUE(labels.Label(disk_.Get(), "a.raw", false));
    EXPECT_EQ(LabelOf(disk_), kVmLabel);
    ASSERT_EQ(JournalFiles().size(), 1U);
    const auto entries = ParseLabelJournal(Contents(JournalFiles()[0]));
    ASSERT_EQ(entries.size(), 1U);
    EXPECT_EQ(entries[0].old_label, kHomeLabel);
    EXPECT_EQ(entries[0].new_label, kVmLabel);
    EXPECT_EQ(entries[0].path, std::filesystem::canonical(Path("a.raw")));
    EXPECT_TRUE(labels.Restore().empty());
    EXPECT_EQ(LabelOf(disk_), kHomeLabel);
    EXPECT_TRUE(JournalFiles().empty());
}

TEST_F(DiskLabelsTest, DestructionRestoresToo) {
    {
        DiskLabels labels(Rules(), host_);
        ASSERT_TRUE(labels.Label(disk_.Get(), "a.raw", false));
    }
    EXPECT_EQ(LabelOf(disk_), kHomeLabel);
    EXPECT_TRUE(JournalFiles().empty());
}

TEST_F(DiskLabelsTest, LabelThatSomebodyChangedMeanwhileStays) {
    DiskLabels labels(Rules(), host_);
    ASSERT_TRUE(labels.Label(disk_.Get(), "a.raw", false));
    host_.labels.Set(disk_.Get(), "system_u:object_r:svirt_image_t:s0:c8,c9");
    EXPECT_TRUE(labels.Restore().empty());
    EXPECT_EQ(LabelOf(disk_), "system_u:object_r:svirt_image_t:s0:c8,c9");
}

TEST_F(DiskLabelsTest, ReadOnlyDiskGetsTheContentLabelForGood) {
    DiskLabels labels(Rules(), host_);
    ASSERT_TRUE(labels.Label(disk_.Get(), "a.raw", true));
    EXPECT_TRUE(labels.Restore().empty());
    EXPECT_EQ(LabelOf(disk_), kContentLabel);
    EXPECT_TRUE(JournalFiles().empty());
}

TEST_F(DiskLabelsTest, ReadOnlyDiskThatCannotBeLabelledMayBeReadAsItIs) {
    host_.refuse_labels_errno = EPERM;
    EXPECT_EQ(Refusal(true), "");
    host_.denied = {"svirt_t user_home_t file read"};
    EXPECT_EQ(
        Refusal(true),
        "disk a.raw: cannot give it the SELinux label system_u:object_r:virt_content_t:s0: Operation not permitted");
}

TEST_F(DiskLabelsTest, DiskThatIsLabelledAlreadyIsNotTouched) {
    host_.labels.Set(disk_.Get(), "staff_u:object_r:svirt_image_t:s0:c1,c2");
    const int before = host_.labels.Changes();
    EXPECT_EQ(Refusal(), "");
    EXPECT_EQ(host_.labels.Changes(), before);
}

TEST_F(DiskLabelsTest, DiskOfAnotherRunningVmIsRefusedAndNotTouched) {
    host_.labels.Set(disk_.Get(), "system_u:object_r:svirt_image_t:s0:c8,c9");
    host_.running = {"system_u:system_r:svirt_t:s0:c8,c9"};
    constexpr const char* kSentence =
        "disk a.raw is labelled for another VM that is running (system_u:object_r:svirt_image_t:s0:c8,c9); it stays "
        "that "
        "VM's";
    EXPECT_EQ(Refusal(), kSentence);
    EXPECT_EQ(Refusal(true), kSentence);
    EXPECT_EQ(LabelOf(disk_), "system_u:object_r:svirt_image_t:s0:c8,c9");
}

TEST_F(DiskLabelsTest, DiskOfAVmThatIsGoneIsTaken) {
    host_.labels.Set(disk_.Get(), "system_u:object_r:svirt_image_t:s0:c8,c9");
    DiskLabels labels(Rules(), host_);
    EXPECT_TRUE(labels.Label(disk_.Get(), "a.raw", false));
    EXPECT_EQ(LabelOf(disk_), kVmLabel);
}

TEST_F(DiskLabelsTest, LabelTakesTheLaunchersUserWhereThePolicyKeepsUsers) {
    host_.denied_users = {"system_u"};
    DiskLabels labels(Rules(), host_);
    ASSERT_TRUE(labels.Label(disk_.Get(), "a.raw", false));
    EXPECT_EQ(LabelOf(disk_), "staff_u:object_r:svirt_image_t:s0:c1,c2");
}

TEST_F(DiskLabelsTest, DenialsHaveTheirSentences) {
    const std::string end =
        "(file), so husk cannot label it for its VM; husk's policy module (sandbox/selinux/policy) gives it for disk "
        "images, and restorecon may give the file a label that is one";
    host_.denied = {"staff_t user_home_t file relabelfrom"};
    EXPECT_EQ(Refusal(), "disk a.raw: SELinux: staff_t has no permission { relabelfrom } on user_home_t " + end);
    host_.denied = {"staff_t svirt_image_t file relabelto"};
    EXPECT_EQ(Refusal(), "disk a.raw: SELinux: staff_t has no permission { relabelto } on svirt_image_t " + end);
    host_.denied = {"staff_t user_home_t file relabelto"};
    EXPECT_EQ(Refusal(), "disk a.raw: SELinux: staff_t has no permission { relabelto } on user_home_t " + end);
    host_.denied = {"staff_t svirt_image_t file relabelfrom"};
    EXPECT_EQ(Refusal(), "disk a.raw: SELinux: staff_t has no permission { relabelfrom } on svirt_image_t " + end);
    EXPECT_EQ(host_.labels.Changes(), 0);
}

TEST_F(DiskLabelsTest, FailureOfThePermissiveHostIsAFailureToo) {
    host_.enforcing = false;
    host_.denied = {"staff_t user_home_t file relabelfrom"};
    EXPECT_EQ(Refusal(), "");
    host_.refuse_labels_errno = EOPNOTSUPP;
    EXPECT_EQ(Refusal(),
              std::string("disk a.raw: cannot give it the SELinux label ") + kVmLabel + ": Operation not supported");
}

TEST_F(DiskLabelsTest, FileSystemThatForgetsLabelsIsRefused) {
    host_.ignores_labels = true;
    EXPECT_EQ(Refusal(), std::string("disk a.raw: its file system does not keep the SELinux label ") + kVmLabel);
}

TEST_F(DiskLabelsTest, NothingIsLabelledWithoutAJournal) {
    std::ofstream(Journals()) << "a file where the folder should be";
    EXPECT_EQ(Refusal(), "disk a.raw: cannot open " + Journals() + ": Not a directory");
    EXPECT_EQ(host_.labels.Changes(), 0);
}

// Labelling reads the label (1), sets it (before 2, after 3) and looks (4); restoring reads (5) and sets (6, 7).
constexpr int kSteps = 7;
class LauncherKilledAtStep : public DiskLabelsTest, public ::testing::WithParamInterface<int> {};
INSTANTIATE_TEST_SUITE_P(EachStep, LauncherKilledAtStep, ::testing::Range(1, kSteps + 2));

TEST_P(LauncherKilledAtStep, LeavesWhatTheNextStartRepairs) {
    RunLauncher(Path("a.raw"), GetParam());
    const auto sentences = RepairLabels(Journals(), host_);
    ASSERT_TRUE(sentences);
    EXPECT_EQ(LabelOf(disk_), kHomeLabel);
    EXPECT_TRUE(JournalFiles().empty());
}

TEST_F(DiskLabelsTest, RepairSaysWhatItDid) {
    RunLauncher(Path("a.raw"), 3);
    EXPECT_EQ(LabelOf(disk_), kVmLabel);
    EXPECT_EQ(RepairLabels(Journals(), host_).value(),
              std::vector<std::string>{"SELinux: the label of " + std::filesystem::canonical(Path("a.raw")).string() +
                                       " is staff_u:object_r:user_home_t:s0 again, after a husk that was killed"});
}

TEST_F(DiskLabelsTest, AllDisksOfAKilledLauncherAreRepaired) {
    const ScopedFd other = Opened(Disk("b.raw"));
    InAChild([&] {
        DiskLabels labels(Rules(), host_);
        (void)labels.Label(disk_.Get(), "a.raw", false);
        (void)labels.Label(other.Get(), "b.raw", false);
        ::_exit(0);
    });
    EXPECT_EQ(LabelOf(disk_), kVmLabel);
    EXPECT_EQ(LabelOf(other), kVmLabel);
    EXPECT_EQ(RepairLabels(Journals(), host_)->size(), 2U);
    EXPECT_EQ(LabelOf(disk_), kHomeLabel);
    EXPECT_EQ(LabelOf(other), kHomeLabel);
}

// Killed between creating the journal and the end of writing its first line.
TEST_F(DiskLabelsTest, JournalWithoutAWholeLineIsRemoved) {
    {
        const auto empty = LabelJournal::Create(Journals());
    }
    {
        const auto torn = LabelJournal::Create(Journals());
    }
    ASSERT_EQ(JournalFiles().size(), 2U);
    std::ofstream(JournalFiles()[1]) << "2049 1 a b /a.r";
    EXPECT_TRUE(RepairLabels(Journals(), host_)->empty());
    EXPECT_TRUE(JournalFiles().empty());
}

TEST_F(DiskLabelsTest, RepairLeavesALivingLaunchersDisksAlone) {
    DiskLabels labels(Rules(), host_);
    ASSERT_TRUE(labels.Label(disk_.Get(), "a.raw", false));
    EXPECT_TRUE(RepairLabels(Journals(), host_)->empty());
    EXPECT_EQ(LabelOf(disk_), kVmLabel);
    EXPECT_EQ(JournalFiles().size(), 1U);
}

TEST_F(DiskLabelsTest, RepairTouchesNoOtherFileAtThePath) {
    RunLauncher(Path("a.raw"), 3);
    std::filesystem::rename(Path("a.raw"), Path("moved.raw"));
    const ScopedFd other = Opened(Disk("a.raw"));
    host_.labels.Set(other.Get(), kVmLabel);
    EXPECT_EQ(RepairLabels(Journals(), host_)->size(), 1U);
    EXPECT_EQ(LabelOf(other), kVmLabel);
    EXPECT_TRUE(JournalFiles().empty());
}

TEST_F(DiskLabelsTest, RepairFollowsNoLinkAtThePath) {
    RunLauncher(Path("a.raw"), 3);
    std::filesystem::rename(Path("a.raw"), Path("moved.raw"));
    std::filesystem::create_symlink(Path("moved.raw"), Path("a.raw"));
    const auto sentences = RepairLabels(Journals(), host_);
    ASSERT_EQ(sentences->size(), 1U);
    EXPECT_TRUE(sentences->at(0).ends_with("but is no longer there")) << sentences->at(0);
    EXPECT_EQ(LabelOf(disk_), kVmLabel);
}

TEST_F(DiskLabelsTest, RepairLeavesALabelThatIsAnothersByNow) {
    RunLauncher(Path("a.raw"), 3);
    host_.labels.Set(disk_.Get(), "system_u:object_r:svirt_image_t:s0:c8,c9");
    EXPECT_TRUE(RepairLabels(Journals(), host_)->empty());
    EXPECT_EQ(LabelOf(disk_), "system_u:object_r:svirt_image_t:s0:c8,c9");
}

TEST_F(DiskLabelsTest, RepairThatFailsIsTriedAgainByTheNextStart) {
    RunLauncher(Path("a.raw"), 3);
    host_.refuse_labels_errno = EACCES;
    const auto sentences = RepairLabels(Journals(), host_);
    ASSERT_EQ(sentences->size(), 1U);
    EXPECT_TRUE(
        sentences->at(0).ends_with("could not be put back: cannot give it the SELinux label "
                                   "staff_u:object_r:user_home_t:s0: Permission denied"))
        << sentences->at(0);
    host_.refuse_labels_errno = 0;
    EXPECT_EQ(RepairLabels(Journals(), host_)->size(), 1U);
    EXPECT_EQ(LabelOf(disk_), kHomeLabel);
    EXPECT_TRUE(JournalFiles().empty());
}

TEST_F(DiskLabelsTest, JournalsThatAreNotOursAreNotRead) {
    RunLauncher(Path("a.raw"), 3);
    const std::string journal = JournalFiles().at(0);
    std::filesystem::permissions(journal, std::filesystem::perms::others_read, std::filesystem::perm_options::add);
    std::filesystem::create_symlink(journal, Journals() + "/labels.link");
    EXPECT_TRUE(RepairLabels(Journals(), host_)->empty());
    EXPECT_EQ(LabelOf(disk_), kVmLabel);
}

TEST_F(DiskLabelsTest, RepairWithoutAFolderIsNothingToDo) { EXPECT_TRUE(RepairLabels(Journals(), host_)->empty()); }

TEST_F(DiskLabelsTest, StartsAtTheSameTimeRepairEachDiskOnce) {
    constexpr int kDisks = 30;
    for (int i = 0; i < kDisks; ++i) RunLauncher(Disk("disk" + std::to_string(i)), 3);
    ASSERT_EQ(JournalFiles().size(), static_cast<std::size_t>(kDisks));
    ASSERT_EQ(host_.labels.Changes(), kDisks);
    std::array<pid_t, 8> starts{};
    for (pid_t& start : starts) {
        start = ::fork();
        if (start == 0) ::_exit(RepairLabels(Journals(), host_) ? 0 : 1);
    }
    for (const pid_t start : starts) {
        int status = 0;
        ::waitpid(start, &status, 0);
        EXPECT_EQ(status, 0);
    }
    EXPECT_EQ(host_.labels.Changes(), 2 * kDisks);
    EXPECT_TRUE(JournalFiles().empty());
}

}  // namespace
}  // namespace husk
