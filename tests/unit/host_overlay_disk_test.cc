// Ephemeral disks: the disk never changes, the guest sees what it wrote, and so does its next worker.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "devices/host/overlay_disk.h"

namespace husk {
namespace {

constexpr std::size_t kBytes = 64 * 1024 + 512;  // the last block is no whole one

std::string Fresh() {
    std::string text(kBytes, ' ');
    for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>('a' + i / 512 % 26);
    return text;
}

class OverlayDiskTest : public ::testing::Test {
 protected:
    OverlayDiskTest() {
        std::string pattern = std::filesystem::temp_directory_path() / "husk-overlay-XXXXXX";
        folder_ = ::mkdtemp(pattern.data());
        std::ofstream(Path()) << Fresh();
        disk_.emplace(DiskFile::Open(Path(), true).value());
        scratch_ = OverlayDisk::CreateScratch(folder_, kBytes).value();
        NextWorker();
    }
    ~OverlayDiskTest() override { std::filesystem::remove_all(folder_); }

    std::string Path() const { return folder_ / "disk.raw"; }
    std::string OnDisk() const {
        std::ifstream file(Path(), std::ios::binary);
        return {std::istreambuf_iterator<char>(file), {}};
    }
    void NextWorker() {
        if (overlay_) overlay_->Save();
        overlay_ = OverlayDisk::Create(*disk_, ScopedFd(::dup(scratch_.Get()))).value();
    }
    // In buffers of an odd size, as a guest may have them.
    int Write(std::uint64_t offset, std::string text) {
        std::vector<iovec> buffers = Split(text);
        DiskTransfer transfer{.offset = offset, .length = text.size(), .data = buffers};
        return overlay_->Write(transfer, WriteMode::kCached);
    }
    std::string Read(std::uint64_t offset, std::size_t length) {
        std::string text(length, '?');
        std::vector<iovec> buffers = Split(text);
        DiskTransfer transfer{.offset = offset, .length = length, .data = buffers};
        EXPECT_EQ(overlay_->Read(transfer, ReadMode::kMayWait), 0);
        EXPECT_EQ(transfer.length, 0u);
        return text;
    }
    static std::vector<iovec> Split(std::string& text) {
        std::vector<iovec> buffers;
        for (std::size_t at = 0; at < text.size(); at += 1536) {
            buffers.push_back({text.data() + at, std::min<std::size_t>(1536, text.size() - at)});
        }
        return buffers;
    }

    std::filesystem::path folder_;
    std::optional<DiskFile> disk_;
    ScopedFd scratch_;
    std::unique_ptr<OverlayDisk> overlay_;
};

TEST_F(OverlayDiskTest, UnwrittenBlocksAreTheDisks) { EXPECT_TRUE(Read(0, kBytes) == Fresh()); }

TEST_F(OverlayDiskTest, WrittenPartOfABlockKeepsTheRestOfIt) {
    ASSERT_EQ(Write(512, std::string(512, 'X')), 0);
    std::string expected = Fresh();
    expected.replace(512, 512, std::string(512, 'X'));
    EXPECT_TRUE(Read(0, kBytes) == expected);
    EXPECT_TRUE(OnDisk() == Fresh());
}

TEST_F(OverlayDiskTest, LastBlockOfAnOddDiskCanBeWritten) {
    ASSERT_EQ(Write(kBytes - 512, std::string(512, 'Z')), 0);
    EXPECT_EQ(Read(kBytes - 512, 512), std::string(512, 'Z'));
    EXPECT_EQ(Write(kBytes - 512, std::string(1024, 'Z')), EINVAL);
}

TEST_F(OverlayDiskTest, AnyMixOfOperationsAndWorkersReadsAsWritten) {
    std::string model = Fresh();
    std::mt19937 random(7);
    const auto below = [&](std::size_t end) { return random() % end; };
    for (int step = 0; step < 4000; ++step) {
        const std::size_t offset = below(kBytes / 512) * 512;
        const std::size_t length = std::min((1 + below(40)) * 512, kBytes - offset);
        switch (below(8)) {
            case 0:
                ASSERT_EQ(overlay_->WriteZeroes({offset, length}, Unmap::kMay, WriteMode::kCached), 0);
                model.replace(offset, length, std::string(length, '\0'));
                break;
            case 1:
                if (below(20) == 0) NextWorker();
                break;
            case 2:
            case 3: {
                const std::string text(length, static_cast<char>('A' + below(26)));
                ASSERT_EQ(Write(offset, text), 0);
                model.replace(offset, length, text);
                break;
            }
            default:
                ASSERT_TRUE(Read(offset, length) == model.substr(offset, length)) << "step " << step;
        }
    }
    NextWorker();
    EXPECT_TRUE(Read(0, kBytes) == model);
    EXPECT_TRUE(OnDisk() == Fresh());
}

TEST_F(OverlayDiskTest, ScratchFileHasNoNameAndTakesNoRoomBeforeItIsWritten) {
    struct stat status{};
    ASSERT_EQ(::fstat(scratch_.Get(), &status), 0);
    EXPECT_EQ(status.st_nlink, 0u);
    EXPECT_LE(status.st_blocks, 2 * 4096 / 512);  // that of its bits, which it has from the start
    EXPECT_EQ(static_cast<std::uint64_t>(status.st_size), OverlayDisk::ScratchBytes(kBytes));
}

TEST_F(OverlayDiskTest, ScratchFolderThatIsNotThereIsNamed) {
    const auto scratch = OverlayDisk::CreateScratch("/nowhere/at/all", kBytes);
    ASSERT_FALSE(scratch);
    EXPECT_EQ(
        scratch.error().Message(),
        "cannot create a scratch file in /nowhere/at/all (TMPDIR names another folder): No such file or directory");
}

}  // namespace
}  // namespace husk
