#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/memfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>

#include "vmm/memory/address_map.h"
#include "vmm/memory/guest_memory.h"

namespace husk {
namespace {

using address_map::kGiB;
using address_map::kMiB;

constexpr std::uint64_t kSmall = 16 * kMiB;
constexpr std::uint64_t kBig = 5 * kGiB;  // sparse: only what a test touches takes room

GuestMemory Memory(std::uint64_t size) { return std::move(GuestMemory::Create(size)).value(); }

ScopedFd FileWith(std::string_view text) {
    ScopedFd fd(::memfd_create("husk-test-file", MFD_CLOEXEC));
    EXPECT_EQ(::write(fd.Get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
    return fd;
}

TEST(GuestMemory, SmallMemoryIsOneRegionAtZero) {
    const GuestMemory memory = Memory(kSmall);
    ASSERT_EQ(memory.Regions().size(), 1u);
    EXPECT_EQ(memory.Regions()[0].start, GuestAddress(0));
    EXPECT_EQ(memory.Regions()[0].host.size(), kSmall);
    EXPECT_EQ(memory.Size(), kSmall);
}

TEST(GuestMemory, MemoryOfThreeGiBEndsAtTheHole) {
    const GuestMemory memory = Memory(3 * kGiB);
    ASSERT_EQ(memory.Regions().size(), 1u);
    EXPECT_FALSE(memory.Slice(GuestAddress(4 * kGiB), 1));
}

TEST(GuestMemory, BigMemoryGoesOnBehindTheHole) {
    const GuestMemory memory = Memory(kBig);
    ASSERT_EQ(memory.Regions().size(), 2u);
    EXPECT_EQ(memory.Regions()[0].host.size(), 3 * kGiB);
    EXPECT_EQ(memory.Regions()[1].start, GuestAddress(4 * kGiB));
    EXPECT_EQ(memory.Regions()[1].host.size(), 2 * kGiB);
}

TEST(GuestMemory, SlicesReachExactlyToTheEnd) {
    const GuestMemory memory = Memory(kSmall);
    EXPECT_TRUE(memory.Slice(GuestAddress(0), kSmall));
    EXPECT_TRUE(memory.Slice(GuestAddress(kSmall - 1), 1));
    EXPECT_FALSE(memory.Slice(GuestAddress(kSmall - 1), 2));
    EXPECT_FALSE(memory.Slice(GuestAddress(kSmall), 1));
    EXPECT_FALSE(memory.Slice(GuestAddress(0), kSmall + 1));
}

TEST(GuestMemory, NoSliceTouchesTheHole) {
    const GuestMemory memory = Memory(kBig);
    EXPECT_TRUE(memory.Slice(GuestAddress(3 * kGiB - 8), 8));
    EXPECT_FALSE(memory.Slice(GuestAddress(3 * kGiB - 8), 9));
    EXPECT_FALSE(memory.Slice(GuestAddress(3 * kGiB), 1));
    EXPECT_FALSE(memory.Slice(GuestAddress(4 * kGiB - 1), 1));
    EXPECT_FALSE(memory.Slice(GuestAddress(4 * kGiB - 1), 2));
    EXPECT_TRUE(memory.Slice(GuestAddress(4 * kGiB), 8));
    EXPECT_FALSE(memory.Slice(GuestAddress(0), kBig));
    EXPECT_FALSE(memory.Slice(GuestAddress(3 * kGiB - 8), kGiB + 16));  // it would span the hole
}

TEST(GuestMemory, HighSlicesReachExactlyToTheEnd) {
    const GuestMemory memory = Memory(kBig);
    EXPECT_TRUE(memory.Slice(GuestAddress(6 * kGiB - 8), 8));
    EXPECT_FALSE(memory.Slice(GuestAddress(6 * kGiB - 8), 9));
    EXPECT_FALSE(memory.Slice(GuestAddress(6 * kGiB), 1));
}

TEST(GuestMemory, RangesThatWrapAreNoMemory) {
    const GuestMemory memory = Memory(kBig);
    constexpr std::uint64_t kMax = ~std::uint64_t{0};
    EXPECT_FALSE(memory.Slice(GuestAddress(kMax), 1));
    EXPECT_FALSE(memory.Slice(GuestAddress(kMax), 2));
    EXPECT_FALSE(memory.Slice(GuestAddress(1), kMax));
    EXPECT_FALSE(memory.Slice(GuestAddress(4 * kGiB), kMax - 4 * kGiB + 2));
    EXPECT_FALSE(memory.Slice(GuestAddress(kMax), kMax));
}

TEST(GuestMemory, ValuesReadBackOnBothSidesOfTheHole) {
    const GuestMemory memory = Memory(kBig);
    const std::uint64_t low = 0x1122'3344'5566'7788, high = 0x99aa'bbcc'ddee'ff00;
    EXPECT_TRUE(memory.Write(GuestAddress(3 * kGiB - 8), BytesOf(low)));
    EXPECT_TRUE(memory.Write(GuestAddress(4 * kGiB), BytesOf(high)));
    EXPECT_EQ(memory.Read<std::uint64_t>(GuestAddress(3 * kGiB - 8)), low);
    EXPECT_EQ(memory.Read<std::uint64_t>(GuestAddress(4 * kGiB)), high);
}

TEST(GuestMemory, WriteThatDoesNotFitWritesNothing) {
    const GuestMemory memory = Memory(kSmall);
    const std::uint32_t value = 0xffff'ffff;
    EXPECT_FALSE(memory.Write(GuestAddress(kSmall - 2), BytesOf(value)));
    EXPECT_EQ(memory.Read<std::uint16_t>(GuestAddress(kSmall - 2)), 0);
    EXPECT_EQ(memory.Read<std::uint32_t>(GuestAddress(kSmall - 2)), std::nullopt);
}

// --- Attaching to what another role made ---

TEST(GuestMemory, AttachedMemoryShowsTheSameBytes) {
    const GuestMemory ours = Memory(kSmall);
    const auto theirs = GuestMemory::Attach(ScopedFd(::dup(ours.Fd())));
    ASSERT_TRUE(theirs);
    EXPECT_EQ(theirs->Size(), kSmall);
    const std::uint32_t value = 0x6b73'7568;
    EXPECT_TRUE(theirs->Write(GuestAddress(0x1000), BytesOf(value)));
    EXPECT_EQ(ours.Read<std::uint32_t>(GuestAddress(0x1000)), value);
}

TEST(GuestMemory, ItsSizeIsSealed) {
    const GuestMemory memory = Memory(kSmall);
    EXPECT_NE(::ftruncate(memory.Fd(), 0), 0);
    EXPECT_NE(::ftruncate(memory.Fd(), kSmall * 2), 0);
}

TEST(GuestMemory, AttachRefusesMemoryThatCouldShrink) {
    ScopedFd fd(::memfd_create("husk-test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    ASSERT_EQ(::ftruncate(fd.Get(), kSmall), 0);
    ASSERT_EQ(::fcntl(fd.Get(), F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SEAL), 0);
    const auto memory = GuestMemory::Attach(std::move(fd));
    ASSERT_FALSE(memory);
    EXPECT_EQ(memory.error().Message(), "guest memory is not sealed");
}

TEST(GuestMemory, AttachAcceptsMemoryThatIsAlsoNotExecutable) {
#ifndef MFD_NOEXEC_SEAL
    constexpr unsigned MFD_NOEXEC_SEAL = 8;
#endif
    // What a host with vm.memfd_noexec makes of every memfd: one more seal.
    ScopedFd fd(::memfd_create("husk-test", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL));
    ASSERT_EQ(::ftruncate(fd.Get(), kSmall), 0);
    ASSERT_EQ(::fcntl(fd.Get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL), 0);
    EXPECT_TRUE(GuestMemory::Attach(std::move(fd)));
}

TEST(GuestMemory, AttachRefusesWhatIsNoMemory) {
    EXPECT_FALSE(GuestMemory::Attach(ScopedFd(::open("/dev/null", O_RDWR | O_CLOEXEC))));
    EXPECT_FALSE(GuestMemory::Attach(ScopedFd()));
}

TEST(GuestMemory, MovedMemoryStaysMapped) {
    GuestMemory first = Memory(kSmall);
    const std::uint32_t value = 7;
    ASSERT_TRUE(first.Write(GuestAddress(0), BytesOf(value)));
    const GuestMemory second = std::move(first);
    EXPECT_EQ(second.Read<std::uint32_t>(GuestAddress(0)), value);
}

// --- Loading files ---

TEST(GuestMemory, FilesAreLoadedFromTheirOffset) {
    const GuestMemory memory = Memory(kSmall);
    const ScopedFd file = FileWith("....husk");
    ASSERT_TRUE(memory.LoadFile(GuestAddress(0x2000), file.Get(), 4, 4));
    EXPECT_EQ(memory.Read<std::uint64_t>(GuestAddress(0x2000)), 0x6b73'7568u);
}

TEST(GuestMemory, FileThatEndsTooEarlyIsAnUnusableBootSource) {
    const GuestMemory memory = Memory(kSmall);
    const ScopedFd file = FileWith("husk");
    const auto loaded = memory.LoadFile(GuestAddress(0), file.Get(), 0, 5);
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().Kind(), ErrorKind::kBootSource);
    EXPECT_EQ(loaded.error().Message(), "ends too early");
}

TEST(GuestMemory, FileThatDoesNotFitIsAnUnusableBootSource) {
    const GuestMemory memory = Memory(kSmall);
    const ScopedFd file = FileWith("husk");
    const auto loaded = memory.LoadFile(GuestAddress(kSmall - 3), file.Get(), 0, 4);
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().Kind(), ErrorKind::kBootSource);
    EXPECT_EQ(memory.Read<std::uint8_t>(GuestAddress(kSmall - 3)), 0);
}

TEST(GuestMemory, FileThatCannotBeReadSaysWhy) {
    const GuestMemory memory = Memory(kSmall);
    const auto loaded = memory.LoadFile(GuestAddress(0), -1, 0, 4);
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().Message(), "cannot be read: Bad file descriptor");
    EXPECT_EQ(loaded.error().Kind(), ErrorKind::kBootSource);
}

}  // namespace
}  // namespace husk
