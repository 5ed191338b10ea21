// The journal of relabelled disks, as text and as a file.
#include <fcntl.h>
#include <gtest/gtest.h>

#include <random>

#include "sandbox/selinux/label_journal.h"
#include "tests/unit/selinux_fake_host.h"

namespace husk {
namespace {

const LabelEntry kEntry{.device = 2049,
                        .inode = 18446744073709551615ULL,
                        .old_label = kHomeLabel,
                        .new_label = "system_u:object_r:svirt_image_t:s0:c1,c2",
                        .path = "/home/a b/100%\n\xc3\xa9.raw"};

TEST(LabelJournalText, EntriesComeBackWhateverTheirPath) {
    const std::string line = FormatLabelEntry(kEntry);
    EXPECT_EQ(line,
              "2049 18446744073709551615 staff_u:object_r:user_home_t:s0 system_u:object_r:svirt_image_t:s0:c1,c2 "
              "/home/a%20b/100%25%0a%c3%a9.raw\n");
    EXPECT_EQ(ParseLabelJournal(line + line), (std::vector<LabelEntry>{kEntry, kEntry}));
}

TEST(LabelJournalText, LineCutShortIsNotAnEntry) {
    const std::string line = FormatLabelEntry(kEntry);
    for (std::size_t length = 0; length < line.size(); ++length) {
        EXPECT_TRUE(ParseLabelJournal(line.substr(0, length)).empty()) << length;
    }
}

TEST(LabelJournalText, OtherLinesArePassedOver) {
    const std::string good = FormatLabelEntry(kEntry);
    for (const char* bad : {"", "1 2 a b", "1 2 a b c", "1 2 a b /p q", "x 2 a b /p", "1 -2 a b /p", "1 2  b /p",
                            "1 2 a  /p", "1 2 a b /p%", "1 2 a b /p%0", "1 2 a b /p%zz", "1 2 a b /p%00",
                            "99999999999999999999999 2 a b /p", "1 2 a b /p\t"}) {
        EXPECT_EQ(ParseLabelJournal(std::string(bad) + "\n" + good), std::vector<LabelEntry>{kEntry}) << bad;
    }
    EXPECT_TRUE(ParseLabelJournal("1 2 " + std::string(5000, 'a') + " b /p\n").empty());
}

TEST(LabelJournalText, DamagedTextDoesNoHarm) {
    std::mt19937 random(2);
    const std::string whole = FormatLabelEntry(kEntry) + FormatLabelEntry(kEntry) + FormatLabelEntry(kEntry);
    for (int round = 0; round < 20000; ++round) {
        std::string text = whole;
        for (std::size_t i = 0; i < 1 + random() % 8; ++i) text[random() % text.size()] = static_cast<char>(random());
        EXPECT_LE(ParseLabelJournal(text).size(), 7U);
    }
}

TEST(LabelJournalFolder, RootsIsNeverWhereItsEnvironmentSays) {
    EXPECT_EQ(JournalFolderPath(0, "/run/user/1000").value(), "/run/husk");
    EXPECT_EQ(JournalFolderPath(1000, "/run/user/1000").value(), "/run/user/1000/husk");
}

TEST(LabelJournalFolder, UserWithoutARuntimeFolderIsRefused) {
    for (const char* bad : {static_cast<const char*>(nullptr), "", "relative"}) {
        const auto path = JournalFolderPath(1000, bad);
        ASSERT_FALSE(path);
        EXPECT_EQ(path.error().Kind(), ErrorKind::kConfinement);
        EXPECT_EQ(
            path.error().Message(),
            "SELinux: disks cannot be labelled without a folder to remember their labels in; set XDG_RUNTIME_DIR (a "
            "login session has it)");
    }
}

using LabelJournalFile = SelinuxFolderTest;

TEST_F(LabelJournalFile, IsPrivateHeldAndReadableAgain) {
    auto journal = LabelJournal::Create(Journals());
    ASSERT_TRUE(journal);
    ASSERT_TRUE(journal->Append(kEntry));
    ASSERT_TRUE(journal->Append(kEntry));
    ASSERT_EQ(JournalFiles().size(), 1U);
    const std::string path = JournalFiles()[0];
    struct stat status{};
    ASSERT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600U);
    EXPECT_EQ(ParseLabelJournal(Contents(path)).size(), 2U);
    const ScopedFd second(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    EXPECT_FALSE(TryLockJournal(second).value());
    journal->Remove();
    EXPECT_TRUE(JournalFiles().empty());
}

TEST_F(LabelJournalFile, FolderThatOthersCanWriteIsRefused) {
    std::filesystem::create_directory(Journals());
    std::filesystem::permissions(Journals(), std::filesystem::perms::all);
    const auto journal = LabelJournal::Create(Journals());
    ASSERT_FALSE(journal);
    EXPECT_EQ(journal.error().Message(),
              Journals() + " must belong to the user of husk and be writable by nobody else");
}

TEST_F(LabelJournalFile, LinkInPlaceOfTheFolderIsRefused) {
    std::filesystem::create_directory(Path("elsewhere"));
    std::filesystem::create_directory_symlink(Path("elsewhere"), Journals());
    EXPECT_FALSE(LabelJournal::Create(Journals()));
}

}  // namespace
}  // namespace husk
