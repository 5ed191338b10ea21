// Disk images on the host: what is refused and in which words, the lock, and data that really moves.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "devices/host/disk_file.h"

namespace husk {
namespace {

class DiskFileTest : public ::testing::Test {
 protected:
    DiskFileTest() {
        std::string pattern = std::filesystem::temp_directory_path() / "husk-disk-XXXXXX";
        folder_ = ::mkdtemp(pattern.data());
    }
    ~DiskFileTest() override { std::filesystem::remove_all(folder_); }

    std::string Path(const std::string& name) const { return folder_ / name; }
    std::string Image(const std::string& name, std::size_t size, char fill = 'x') const {
        std::ofstream(Path(name)) << std::string(size, fill);
        return Path(name);
    }
    std::string Contents(const std::string& path) const {
        std::ifstream file(path, std::ios::binary);
        return {std::istreambuf_iterator<char>(file), {}};
    }
    static std::string Refusal(const std::string& path, bool read_only = false) {
        const auto opened = DiskFile::Open(path, read_only);
        return opened ? "" : opened.error().Message();
    }

    std::filesystem::path folder_;
};

// Buffers over a string, and a transfer into or out of them.
struct Buffers {
    explicit Buffers(std::vector<std::string> contents) : texts(std::move(contents)) {
        for (std::string& text : texts) iovecs.push_back({text.data(), text.size()});
    }
    DiskTransfer At(std::uint64_t offset) {
        DiskTransfer transfer{.offset = offset, .length = 0, .data = iovecs};
        for (const iovec& buffer : iovecs) transfer.length += buffer.iov_len;
        return transfer;
    }
    std::vector<std::string> texts;
    std::vector<iovec> iovecs;
};

TEST_F(DiskFileTest, RegularFileIsADisk) {
    const auto disk = DiskFile::Open(Image("a.raw", 1024), false);
    ASSERT_TRUE(disk);
    EXPECT_EQ(disk->Bytes(), 1024u);
    EXPECT_EQ(disk->Geometry().logical_block, 512u);
    EXPECT_FALSE(disk->ReadOnly());
    EXPECT_EQ(::fcntl(disk->Fd(), F_GETFD), FD_CLOEXEC);
    EXPECT_EQ(::fcntl(disk->Fd(), F_GETFL) & O_ACCMODE, O_RDWR);
}

TEST_F(DiskFileTest, ReadOnlyDiskIsOpenedForReading) {
    const auto disk = DiskFile::Open(Image("a.raw", 512), true);
    ASSERT_TRUE(disk);
    EXPECT_EQ(::fcntl(disk->Fd(), F_GETFL) & O_ACCMODE, O_RDONLY);
}

TEST_F(DiskFileTest, EachRefusalIsASentence) {
    EXPECT_EQ(Refusal(Path("none")), "cannot open disk " + Path("none") + ": No such file or directory");
    EXPECT_EQ(Refusal(folder_), "disk " + folder_.string() + " is a directory");
    EXPECT_EQ(Refusal("/dev/null"), "disk /dev/null is neither a regular file nor a block device");
    EXPECT_EQ(Refusal(Image("empty", 0)), "disk " + Path("empty") + " is empty");
    EXPECT_EQ(Refusal(Image("odd", 1000)), "disk " + Path("odd") + " has 1000 bytes, which is not a multiple of 512");
}

TEST_F(DiskFileTest, FifoIsRefusedWithoutWaitingForItsOtherEnd) {
    ASSERT_EQ(::mkfifo(Path("fifo").c_str(), 0600), 0);
    EXPECT_EQ(Refusal(Path("fifo"), true), "disk " + Path("fifo") + " is neither a regular file nor a block device");
}

TEST_F(DiskFileTest, RefusalsOfThePersonsChoiceAreUsageErrors) {
    EXPECT_EQ(DiskFile::Open(folder_, false).error().Kind(), ErrorKind::kUsage);
    EXPECT_EQ(DiskFile::Open(Path("none"), false).error().Kind(), ErrorKind::kHost);
}

// --- The lock ---

TEST_F(DiskFileTest, WriterKeepsEverybodyOut) {
    const std::string path = Image("a.raw", 512);
    const auto writer = DiskFile::Open(path, false);
    ASSERT_TRUE(writer);
    EXPECT_EQ(Refusal(path, false), "disk " + path + " is in use by another program");
    EXPECT_EQ(Refusal(path, true), "disk " + path + " is in use by another program");
}

TEST_F(DiskFileTest, ReadersShareAndKeepWritersOut) {
    const std::string path = Image("a.raw", 512);
    const auto first = DiskFile::Open(path, true);
    const auto second = DiskFile::Open(path, true);
    ASSERT_TRUE(first && second);
    EXPECT_NE(Refusal(path, false), "");
}

TEST_F(DiskFileTest, LockGoesWithTheDescriptor) {
    const std::string path = Image("a.raw", 512);
    ScopedFd inherited;
    {
        auto launcher = DiskFile::Open(path, false).value();
        inherited.Reset(::fcntl(launcher.Fd(), F_DUPFD_CLOEXEC, 0));
    }
    EXPECT_NE(Refusal(path), "");
    inherited.Reset();
    EXPECT_EQ(Refusal(path), "");
}

// --- Data ---

TEST_F(DiskFileTest, WritesGoToTheirPlace) {
    const std::string path = Image("a.raw", 4096, '.');
    auto disk = DiskFile::Open(path, false).value();
    Buffers buffers({"one", "", "twotwo", std::string(503, 'z')});
    auto transfer = buffers.At(1024);
    EXPECT_EQ(disk.Write(transfer, WriteMode::kCached), 0);
    EXPECT_EQ(transfer.length, 0u);
    EXPECT_EQ(Contents(path).substr(1023, 12), ".onetwotwozz");
    EXPECT_EQ(Contents(path).size(), 4096u);
}

TEST_F(DiskFileTest, ReadsComeFromTheirPlace) {
    std::ofstream(Path("a.raw")) << std::string(512, 'a') << std::string(512, 'b');
    auto disk = DiskFile::Open(Path("a.raw"), true).value();
    Buffers buffers({std::string(2, '?'), std::string(3, '?')});
    auto transfer = buffers.At(510);
    EXPECT_EQ(disk.Read(transfer, ReadMode::kMayWait), 0);
    EXPECT_EQ(buffers.texts[0] + buffers.texts[1], "aabbb");
}

TEST_F(DiskFileTest, AdoptedDescriptorIsTheSameDisk) {
    const std::string path = Image("a.raw", 1024);
    auto opened = DiskFile::Open(path, false).value();
    auto disk = DiskFile::Adopt(opened.Release(), {.bytes = 1024}, false);
    Buffers buffers({"hello"});
    auto transfer = buffers.At(0);
    EXPECT_EQ(disk.Write(transfer, WriteMode::kDurable), 0);
    EXPECT_EQ(Contents(path).substr(0, 6), "hellox");
    EXPECT_EQ(disk.Flush(), 0);
}

TEST_F(DiskFileTest, CachedReadGivesTheDataOrSaysWhyNot) {
    auto disk = DiskFile::Open(Image("a.raw", 4096, 'q'), true).value();
    Buffers warm({std::string(4096, '?')});
    auto first = warm.At(0);
    ASSERT_EQ(disk.Read(first, ReadMode::kMayWait), 0);
    Buffers buffers({std::string(512, '?')});
    auto transfer = buffers.At(512);
    const int error = disk.Read(transfer, ReadMode::kOnlyCached);
    EXPECT_TRUE(error == 0 || error == EAGAIN || error == EOPNOTSUPP) << error;
    EXPECT_EQ(buffers.texts[0], std::string(512, error == 0 ? 'q' : '?'));
}

TEST_F(DiskFileTest, NothingOutsideOfTheDiskIsTouched) {
    const std::string path = Image("a.raw", 1024);
    auto disk = DiskFile::Open(path, false).value();
    Buffers buffers({std::string(512, 'y')});
    for (const std::uint64_t offset :
         {std::uint64_t{513}, std::uint64_t{1024}, ~std::uint64_t{0}, ~std::uint64_t{511}}) {
        auto transfer = buffers.At(offset);
        EXPECT_EQ(disk.Write(transfer, WriteMode::kCached), EINVAL);
        EXPECT_EQ(disk.Read(transfer, ReadMode::kMayWait), EINVAL);
    }
    EXPECT_EQ(Contents(path), std::string(1024, 'x'));
}

TEST_F(DiskFileTest, ReadOnlyDiskIsNotWritten) {
    auto disk = DiskFile::Open(Image("a.raw", 512), true).value();
    Buffers buffers({std::string(512, 'y')});
    auto transfer = buffers.At(0);
    EXPECT_EQ(disk.Write(transfer, WriteMode::kCached), EROFS);
    EXPECT_EQ(disk.Flush(), 0);
}

TEST_F(DiskFileTest, ImageCutShortBehindOurBackIsAnError) {
    const std::string path = Image("a.raw", 8192);
    auto disk = DiskFile::Open(path, false).value();
    std::filesystem::resize_file(path, 4096);
    Buffers buffers({std::string(8192, '?')});
    auto transfer = buffers.At(0);
    EXPECT_EQ(disk.Read(transfer, ReadMode::kMayWait), EIO);
    EXPECT_EQ(transfer.offset, 4096u);
    EXPECT_EQ(transfer.length, 4096u);
}

TEST_F(DiskFileTest, ErrorsOfTheKernelComeAsTheyAre) {
    const std::string path = Image("a.raw", 512);
    DiskFile disk = DiskFile::Adopt(ScopedFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC)), {.bytes = 512}, false);
    Buffers buffers({"text"});
    auto transfer = buffers.At(0);
    EXPECT_EQ(disk.Write(transfer, WriteMode::kCached), EBADF);
}

// A pipe is not a disk: fdatasync() fails on it, which stands for a disk that lost data.
TEST_F(DiskFileTest, FailedFlushIsNeverForgotten) {
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    const ScopedFd other(ends[1]);
    DiskFile disk = DiskFile::Adopt(ScopedFd(ends[0]), {.bytes = 512}, false);
    ASSERT_EQ(disk.Flush(), EINVAL);
    const ScopedFd good(::open(Image("a.raw", 512).c_str(), O_RDWR | O_CLOEXEC));
    ASSERT_EQ(::dup2(good.Get(), disk.Fd()), disk.Fd());
    EXPECT_EQ(disk.Flush(), EINVAL);
    Buffers buffers({"text"});
    auto transfer = buffers.At(0);
    EXPECT_EQ(disk.Write(transfer, WriteMode::kCached), 0);
    transfer = buffers.At(0);
    EXPECT_EQ(disk.Write(transfer, WriteMode::kDurable), EINVAL);
}

// --- Advance ---

TEST(DiskTransferTest, AdvanceGoesOnInTheMiddleOfABuffer) {
    Buffers buffers({"abc", "defg", "h"});
    auto transfer = buffers.At(100);
    transfer.Advance(5);
    EXPECT_EQ(transfer.offset, 105u);
    EXPECT_EQ(transfer.length, 3u);
    ASSERT_EQ(transfer.data.size(), 2u);
    EXPECT_EQ(transfer.data[0].iov_len, 2u);
    EXPECT_EQ(*static_cast<char*>(transfer.data[0].iov_base), 'f');
    transfer.Advance(3);
    EXPECT_TRUE(transfer.data.empty());
}

// --- Ranges and size ---

std::uint64_t BlocksOf(const DiskFile& disk) {
    struct stat status{};
    EXPECT_EQ(::fstat(disk.Fd(), &status), 0);
    return static_cast<std::uint64_t>(status.st_blocks);
}

TEST_F(DiskFileTest, GeometryOfAFileIsThatOfItsFileSystem) {
    const auto disk = DiskFile::Open(Image("a.raw", 1 << 20), false);
    ASSERT_TRUE(disk);
    EXPECT_EQ(disk->Geometry().bytes, 1u << 20);
    EXPECT_GE(disk->Geometry().physical_block, 512u);
    EXPECT_EQ(disk->Geometry().discard_granularity, disk->Geometry().physical_block);
}

TEST_F(DiskFileTest, DiscardGivesRoomBackAndReadsAsZeroes) {
    const std::string path = Image("a.raw", 1 << 20, 'x');
    auto disk = DiskFile::Open(path, false);
    ASSERT_TRUE(disk);
    ASSERT_EQ(disk->Flush(), 0);
    const std::uint64_t before = BlocksOf(*disk);
    ASSERT_EQ(disk->Discard({.offset = 0, .length = 512 * 1024}), 0);
    EXPECT_LE(BlocksOf(*disk) + 512, before);
    EXPECT_TRUE(Contents(path).substr(0, 512 * 1024) == std::string(512 * 1024, '\0'));
    EXPECT_EQ(Contents(path).substr(512 * 1024, 512), std::string(512, 'x'));
}

TEST_F(DiskFileTest, ZeroedRangeReadsAsZeroesAndNothingElseChanges) {
    for (const Unmap unmap : {Unmap::kNo, Unmap::kMay}) {
        const std::string path = Image("a.raw", 64 * 1024, 'x');
        auto disk = DiskFile::Open(path, false);
        ASSERT_TRUE(disk);
        ASSERT_EQ(disk->WriteZeroes({.offset = 512, .length = 20 * 512}, unmap, WriteMode::kDurable), 0);
        std::string expected(64 * 1024, 'x');
        expected.replace(512, 20 * 512, std::string(20 * 512, '\0'));
        EXPECT_TRUE(Contents(path) == expected);
    }
}

TEST_F(DiskFileTest, RangesBeyondTheDiskAndOfReadOnlyDisksAreRefused) {
    auto disk = DiskFile::Open(Image("a.raw", 4096), false);
    ASSERT_TRUE(disk);
    EXPECT_EQ(disk->Discard({.offset = 4096, .length = 512}), EINVAL);
    EXPECT_EQ(disk->WriteZeroes({.offset = 0, .length = 8192}, Unmap::kMay, WriteMode::kCached), EINVAL);
    auto read_only = DiskFile::Open(Image("b.raw", 4096), true);
    ASSERT_TRUE(read_only);
    EXPECT_EQ(read_only->Discard({.offset = 0, .length = 512}), EROFS);
    EXPECT_EQ(read_only->WriteZeroes({.offset = 0, .length = 512}, Unmap::kNo, WriteMode::kCached), EROFS);
}

TEST_F(DiskFileTest, GrownDiskIsMeasuredAndThenUsable) {
    const std::string path = Image("a.raw", 4096);
    auto disk = DiskFile::Open(path, false);
    ASSERT_TRUE(disk);
    std::filesystem::resize_file(path, 8192);
    ASSERT_EQ(disk->MeasureAgain().value(), 8192u);
    EXPECT_EQ(disk->Discard({.offset = 4096, .length = 512}), EINVAL);
    disk->Resize(8192);
    EXPECT_EQ(disk->Discard({.offset = 4096, .length = 512}), 0);
    std::filesystem::resize_file(path, 8191);
    EXPECT_FALSE(disk->MeasureAgain());
}

}  // namespace
}  // namespace husk
