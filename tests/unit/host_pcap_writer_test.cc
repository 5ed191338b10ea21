// Capture files: what is in them byte for byte, and what happens when they cannot be written.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "devices/host/pcap_writer.h"

namespace husk {
namespace {

constexpr std::uint64_t kTime = 1'700'000'000'123'456'789;

class PcapWriterTest : public testing::Test {
 protected:
    PcapWriterTest() {
        std::string name = testing::TempDir() + "husk-pcap-XXXXXX";
        folder_ = ::mkdtemp(name.data());
        path = folder_ / "capture";
    }
    ~PcapWriterTest() override { std::filesystem::remove_all(folder_); }

    [[nodiscard]] std::string Content() const {
        std::ifstream file(path, std::ios::binary);
        return {std::istreambuf_iterator<char>(file), {}};
    }
    std::filesystem::path path;

 private:
    std::filesystem::path folder_;
};

std::uint32_t NumberAt(const std::string& bytes, std::size_t at) {
    std::uint32_t number = 0;
    std::memcpy(&number, bytes.data() + at, sizeof number);
    return number;
}
iovec Piece(std::string& bytes) { return {bytes.data(), bytes.size()}; }

TEST_F(PcapWriterTest, HeaderAndFramesAreWhatLibpcapReads) {
    const PcapFile file = CreatePcap(path).value();
    PcapWriter writer(file.fd.Get(), file.snap_bytes);
    std::string head = "head";
    std::string nothing;
    std::string tail = "and tail";
    writer.Append(std::vector{Piece(head), Piece(nothing), Piece(tail)}, kTime);
    writer.Append(std::vector{Piece(tail)}, kTime + 1);

    const std::string content = Content();
    ASSERT_EQ(content.size(), 24u + 16 + 12 + 16 + 8);
    EXPECT_EQ(NumberAt(content, 0), 0xa1b23c4du);
    EXPECT_EQ(NumberAt(content, 4), 0x0004'0002u);
    EXPECT_EQ(NumberAt(content, 16), 262'144u);
    EXPECT_EQ(NumberAt(content, 20), 1u);
    EXPECT_EQ(NumberAt(content, 24), 1'700'000'000u);
    EXPECT_EQ(NumberAt(content, 28), 123'456'789u);
    EXPECT_EQ(NumberAt(content, 32), 12u);
    EXPECT_EQ(NumberAt(content, 36), 12u);
    EXPECT_EQ(content.substr(40, 12), "headand tail");
    EXPECT_EQ(NumberAt(content, 56), 123'456'790u);
    EXPECT_EQ(writer.Written(), 2u);
    EXPECT_EQ(writer.Lost(), 0u);
}

TEST_F(PcapWriterTest, LongFramesAreCutAndSaySo) {
    const PcapFile file = CreatePcap(path).value();
    PcapWriter writer(file.fd.Get(), 6);
    std::string head = "head";
    std::string tail = "tail";
    writer.Append(std::vector{Piece(head), Piece(tail), Piece(tail)}, kTime);
    const std::string content = Content();
    ASSERT_EQ(content.size(), 24u + 16 + 6);
    EXPECT_EQ(NumberAt(content, 32), 6u);
    EXPECT_EQ(NumberAt(content, 36), 12u);
    EXPECT_EQ(content.substr(40), "headta");
}

TEST_F(PcapWriterTest, FramesOfTooManyPiecesAreCut) {
    const PcapFile file = CreatePcap(path).value();
    PcapWriter writer(file.fd.Get(), file.snap_bytes);
    std::string byte = "x";
    writer.Append(std::vector<iovec>(PcapWriter::kMaxPieces + 5, Piece(byte)), kTime);
    const std::string content = Content();
    EXPECT_EQ(NumberAt(content, 32), PcapWriter::kMaxPieces);
    EXPECT_EQ(NumberAt(content, 36), PcapWriter::kMaxPieces + 5);
    EXPECT_EQ(content.size(), 24 + 16 + PcapWriter::kMaxPieces);
}

TEST_F(PcapWriterTest, AnOldFileIsEmptied) {
    std::ofstream(path) << std::string(1000, 'x');
    ASSERT_TRUE(CreatePcap(path));
    EXPECT_EQ(std::filesystem::file_size(path), 24u);
}

TEST_F(PcapWriterTest, NewFilesAreForTheirOwnerOnly) {
    ASSERT_TRUE(CreatePcap(path));
    struct stat status{};
    ASSERT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST_F(PcapWriterTest, OtherThingsThanFilesAreRefusedByName) {
    const auto device = CreatePcap("/dev/null");
    ASSERT_FALSE(device);
    EXPECT_EQ(device.error().Message(), "cannot write packets to /dev/null: it is neither a regular file nor a FIFO");
    const auto folder = CreatePcap(path.parent_path());
    ASSERT_FALSE(folder);
    EXPECT_NE(folder.error().Message().find(path.parent_path()), std::string::npos);
}

TEST_F(PcapWriterTest, AFifoNeedsAReader) {
    ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
    const auto file = CreatePcap(path);
    ASSERT_FALSE(file);
    EXPECT_EQ(file.error().Message(), "cannot write packets to " + path.string() + ": nobody reads it");
}

TEST_F(PcapWriterTest, AFullFifoLosesWholeFramesAndGoesOn) {
    ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
    const ScopedFd reader(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    const PcapFile file = CreatePcap(path).value();
    PcapWriter writer(file.fd.Get(), file.snap_bytes);
    std::string frame(9000, 'x');
    while (writer.Lost() == 0) writer.Append(std::vector{Piece(frame)}, kTime);

    std::string content(24 + writer.Written() * 4096, '\0');
    EXPECT_EQ(::read(reader.Get(), content.data(), content.size()), static_cast<ssize_t>(content.size()));
    EXPECT_EQ(NumberAt(content, 24 + 4096 + 8), 4080u) << "the second frame begins where the first ends";
    char more = 0;
    EXPECT_EQ(::read(reader.Get(), &more, 1), -1) << "nothing of the lost frame was written";
    const std::uint64_t before = writer.Written();
    writer.Append(std::vector{Piece(frame)}, kTime);
    EXPECT_EQ(writer.Written(), before + 1);
}

TEST_F(PcapWriterTest, TheFirstFailureEndsTheCapture) {
    const ScopedFd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
    const PcapFile file = CreatePcap(path).value();
    PcapWriter writer(full.Get(), file.snap_bytes);
    std::string frame = "frame";
    writer.Append(std::vector{Piece(frame)}, kTime);
    EXPECT_EQ(writer.Lost(), 1u);
    // Were it to try again, this would succeed: the descriptor leads to the file now.
    ASSERT_GE(::dup2(file.fd.Get(), full.Get()), 0);
    writer.Append(std::vector{Piece(frame)}, kTime);
    EXPECT_EQ(writer.Lost(), 2u);
    EXPECT_EQ(writer.Written(), 0u);
    EXPECT_EQ(std::filesystem::file_size(path), 24u);
}

TEST_F(PcapWriterTest, WithoutACaptureNothingIsCounted) {
    PcapWriter writer;
    std::string frame = "frame";
    writer.Append(std::vector{Piece(frame)}, kTime);
    EXPECT_FALSE(writer.Running());
    EXPECT_EQ(writer.Lost(), 0u);
}

}  // namespace
}  // namespace husk
