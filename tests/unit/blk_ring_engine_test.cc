// The block device on a real file by io_uring, buffered and direct: data, ranges, errors, depth. Needs a kernel that
// lets this process have an io_uring.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <random>

#include "devices/virtio/blk/blk_device.h"
#include "tests/unit/blk_driver.h"

namespace husk {
namespace {

using testing::CountingIrqLine;
using testing::Pattern;
using testing::SentChain;
using testing::VirtioDriver;

constexpr std::size_t kBytes = 1 << 20;
constexpr int kOk = 0;
constexpr int kIoError = 1;

// On a file system that knows O_DIRECT, which /tmp may not.
std::string ImagePath() {
    std::string pattern = "/var/tmp/husk-ring-XXXXXX";
    const int fd = ::mkstemp(pattern.data());
    EXPECT_GE(fd, 0);
    EXPECT_EQ(::ftruncate(fd, kBytes), 0);
    ::close(fd);
    return pattern;
}

class RingMachine {
 public:
    explicit RingMachine(bool direct) {
        DiskFile opened = DiskFile::Open(path, false).value();
        std::filesystem::remove(path);
        EXPECT_TRUE(!direct || opened.MakeDirect());
        const DiskGeometry geometry = opened.Geometry();
        disk.emplace(DiskFile::Adopt(opened.Release(), geometry, false, direct));
        device.emplace(memory, *disk, BlkOptions{.block = geometry.logical_block}, line, stats);
        auto ring = IoRing::Create(BlkDevice::kRingEntries, disk->Fd(), FreeSlot());
        if (!ring) throw std::runtime_error(ring.error().Message());
        device->StartRing(std::move(*ring), *disk);
        Activation activation;
        activation.features = driver.Features() | kFeatureBlkFlush | kFeatureBlkDiscard | kFeatureBlkWriteZeroes;
        activation.queues[0] = driver.Config();
        EXPECT_EQ(device->Activate(activation), std::nullopt);
    }

    SentChain Send(std::uint32_t type, std::uint64_t sector, std::span<const std::byte> out, std::uint32_t in) {
        const BlkRequestHeader header{.type = type, .reserved = 0, .sector = sector};
        auto chain = driver.Chain();
        chain.Readable(BytesOf(header));
        if (!out.empty()) chain.Readable(out);
        if (in > 0) chain.Writable(in);
        return chain.Writable(1).Send();
    }
    // As a worker does, until nothing is in flight.
    void Settle() {
        for (int turns = 0; turns < 10'000; ++turns) {
            const ServeResult result = device->Serve();
            while (driver.TakeUsed()) {
            }
            if (result == ServeResult::kSleep && device->Idle()) return;
            pollfd ring{.fd = device->CompletionFd(), .events = POLLIN, .revents = 0};
            ASSERT_TRUE(result != ServeResult::kSleep || ::poll(&ring, 1, 10'000) == 1);
        }
        FAIL() << "requests never end";
    }
    int Status(const SentChain& chain) { return std::to_integer<int>(driver.Bytes(chain.buffers.back()).back()); }

    static int FreeSlot() {
        const int fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
        return fd;  // which the ring takes over
    }

    std::string path = ImagePath();
    GuestMemory memory = GuestMemory::Create(address_map::kMinRam).value();
    VirtioDriver driver{memory, {.size = 256, .event_idx = true}};
    CountingIrqLine line;
    DeviceStats stats;
    std::optional<DiskFile> disk;
    std::optional<BlkDevice> device;
};

class RingEngineTest : public ::testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(BufferedAndDirect, RingEngineTest, ::testing::Bool());

TEST_P(RingEngineTest, ManyRequestsInFlightReadWhatWasWritten) {
    RingMachine machine(GetParam());
    for (std::uint64_t i = 0; i < 64; ++i) {
        (void)machine.Send(kBlkTypeWrite, i * 8, Pattern(4096, static_cast<int>(i)), 0);
    }
    machine.Settle();
    std::vector<SentChain> reads;
    for (std::uint64_t i = 0; i < 64; ++i) reads.push_back(machine.Send(kBlkTypeRead, i * 8, {}, 4096));
    machine.Settle();
    for (std::size_t i = 0; i < 64; ++i) {
        EXPECT_EQ(machine.Status(reads[i]), kOk);
        EXPECT_EQ(machine.driver.Written(reads[i], 4096), Pattern(4096, static_cast<int>(i))) << i;
    }
}

TEST_P(RingEngineTest, FlushDiscardAndZeroesWork) {
    RingMachine machine(GetParam());
    (void)machine.Send(kBlkTypeWrite, 0, Pattern(8192, 1), 0);
    machine.Settle();
    const BlkRange first{.sector = 0, .sectors = 8, .flags = 0};
    const BlkRange second{.sector = 8, .sectors = 8, .flags = 1};
    const SentChain flush = machine.Send(kBlkTypeFlush, 0, {}, 0);
    const SentChain discard = machine.Send(kBlkTypeDiscard, 0, BytesOf(first), 0);
    const SentChain zeroes = machine.Send(kBlkTypeWriteZeroes, 0, BytesOf(second), 0);
    machine.Settle();
    const SentChain read = machine.Send(kBlkTypeRead, 8, {}, 4096);
    machine.Settle();
    EXPECT_EQ(machine.Status(flush), kOk);
    EXPECT_EQ(machine.Status(discard), kOk);
    EXPECT_EQ(machine.Status(zeroes), kOk);
    EXPECT_EQ(machine.driver.Written(read, 4096), std::vector<std::byte>(4096));
}

TEST_P(RingEngineTest, FileThatEndsBeforeTheDiskIsAnError) {
    RingMachine machine(GetParam());
    ASSERT_EQ(::ftruncate(machine.disk->Fd(), kBytes / 2), 0);
    const SentChain read = machine.Send(kBlkTypeRead, kBytes / 512 - 8, {}, 4096);
    machine.Settle();
    EXPECT_EQ(machine.Status(read), kIoError);
    EXPECT_TRUE(machine.device->TakeHostFailure());
}

TEST_P(RingEngineTest, RandomRequestsReadAsAModel) {
    RingMachine machine(GetParam());
    std::vector<std::byte> model(kBytes);
    std::mt19937 random(11);
    for (int step = 0; step < 400; ++step) {
        const std::uint64_t sectors = (1 + random() % 16) * 8;
        const std::uint64_t sector = random() % (kBytes / 4096 - 16) * 8;
        const auto part = std::span(model).subspan(sector * 512, sectors * 512);
        if (random() % 2 == 0) {
            const auto data = Pattern(sectors * 512, static_cast<int>(random() % 256));
            (void)machine.Send(kBlkTypeWrite, sector, data, 0);
            std::ranges::copy(data, part.begin());
        }
        machine.Settle();
        const SentChain read = machine.Send(kBlkTypeRead, sector, {}, static_cast<std::uint32_t>(sectors * 512));
        machine.Settle();
        ASSERT_TRUE(std::ranges::equal(machine.driver.Written(read, sectors * 512), part)) << step;
    }
}

// The driver's buffers lie on 16-byte boundaries: O_DIRECT takes none of them, and all of the above went by ours. Here
// they are aligned.
TEST(RingEngine, AlignedBuffersGoToADirectDiskAsTheyAre) {
    RingMachine machine(true);
    const auto data = Pattern(4096, 3);
    const GuestAddress out(8 << 20), in(9 << 20);
    ASSERT_TRUE(machine.memory.Write(out, data));
    const BlkRequestHeader write{.type = kBlkTypeWrite, .reserved = 0, .sector = 16};
    const BlkRequestHeader read{.type = kBlkTypeRead, .reserved = 0, .sector = 16};
    (void)machine.driver.Chain().Readable(BytesOf(write)).BufferAt(out, 4096, 0).Writable(1).Send();
    machine.Settle();
    const SentChain back =
        machine.driver.Chain().Readable(BytesOf(read)).BufferAt(in, 4096, kDescWrite).Writable(1).Send();
    machine.Settle();
    EXPECT_EQ(machine.Status(back), kOk);
    EXPECT_TRUE(std::ranges::equal(machine.memory.Slice(in, 4096).value(), data));
}

// --- What the ring itself refuses ---

TEST(IoRing, DoesNothingButWhatADiskNeeds) {
    const std::string path = ImagePath();
    const ScopedFd file(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    std::filesystem::remove(path);
    IoRing ring = IoRing::Create(4, file.Get(), RingMachine::FreeSlot()).value();
    // Any other registration, and the operations behind it, are closed for good.
    EXPECT_LT(::syscall(SYS_io_uring_register, ring.Fd(), IORING_REGISTER_FILES, nullptr, 0), 0);
    EXPECT_EQ(errno, EACCES);
}

}  // namespace
}  // namespace husk
