#include "boot/linux/placement.h"

#include <gtest/gtest.h>

#include "boot/linux/memory_map.h"
#include "vmm/memory/address_map.h"

namespace husk {
namespace {

using address_map::kGiB;
using address_map::kMiB;

// Regions of RAM nobody touches.
std::vector<MemoryRegion> Ram(std::uint64_t low, std::uint64_t high = 0) {
    std::vector<MemoryRegion> regions = {{GuestAddress(0), {static_cast<std::byte*>(nullptr), low}}};
    regions.resize(high != 0 ? 2 : 1, {GuestAddress(4 * kGiB), {static_cast<std::byte*>(nullptr), high}});
    return regions;
}

// A kernel in [16 MiB, 16 MiB + length).
KernelPlan Kernel(std::uint64_t length) {
    KernelPlan plan;
    plan.segments = {{.file_offset = 0, .file_length = 1, .address = GuestAddress(16 * kMiB), .memory_length = length}};
    plan.cmdline_max = 10;
    plan.initrd_last = GuestAddress(0x7fff'ffff);
    return plan;
}

TEST(Placement, KernelThatEndsWithTheRamFits) {
    EXPECT_TRUE(CheckKernelFits(Kernel(16 * kMiB), Ram(32 * kMiB)).has_value());
}

TEST(Placement, KernelLargerThanTheRamIsRefusedWithBothSizes) {
    EXPECT_EQ(CheckKernelFits(Kernel(16 * kMiB + 1), Ram(32 * kMiB)).error().Message(),
              "the kernel needs 33 MiB of RAM to start; the guest has 32 MiB");
}

TEST(Placement, KernelBeyondLowRamIsRefusedHoweverMuchRamThereIs) {
    EXPECT_EQ(CheckKernelFits(Kernel(4 * kGiB), Ram(3 * kGiB, 8 * kGiB)).error().Message(),
              "the kernel reaches up to 0x101000000, beyond the 3 GiB in which it can be started");
}

TEST(Placement, InitrdGoesPageAlignedBelowTheEndOfRam) {
    const auto initrd = PlaceInitrd(Kernel(kMiB), 5000, Ram(64 * kMiB));
    ASSERT_TRUE(initrd.has_value());
    EXPECT_EQ(initrd->address, GuestAddress(64 * kMiB - 8192));
    EXPECT_EQ(initrd->size, 5000U);
}

TEST(Placement, InitrdStaysBelowTheKernelsLimit) {
    const auto initrd = PlaceInitrd(Kernel(kMiB), 4096, Ram(3 * kGiB, 8 * kGiB));
    ASSERT_TRUE(initrd.has_value());
    EXPECT_EQ(initrd->address, GuestAddress(2 * kGiB - 4096));
}

TEST(Placement, InitrdMayFillAllBetweenKernelAndLimit) {
    const auto initrd = PlaceInitrd(Kernel(kMiB - 100), 47 * kMiB, Ram(64 * kMiB));
    ASSERT_TRUE(initrd.has_value());
    EXPECT_EQ(initrd->address, GuestAddress(17 * kMiB));
}

TEST(Placement, InitrdWithoutRoomIsRefusedWithBothSizes) {
    EXPECT_EQ(PlaceInitrd(Kernel(kMiB), 47 * kMiB + 1, Ram(64 * kMiB)).error().Message(),
              "the initrd takes 48 MiB; beside the kernel the guest has room for 47 MiB");
    EXPECT_EQ(PlaceInitrd(Kernel(kMiB), ~std::uint64_t{0}, Ram(64 * kMiB)).error().Message(),
              "the initrd takes 17592186044416 MiB; beside the kernel the guest has room for 47 MiB");
}

TEST(Placement, LimitBelowTheKernelLeavesNoRoom) {
    KernelPlan plan = Kernel(kMiB);
    plan.initrd_last = GuestAddress(0);
    EXPECT_EQ(PlaceInitrd(plan, 1, Ram(64 * kMiB)).error().Message(),
              "the initrd takes 1 MiB; beside the kernel the guest has room for 0 MiB");
}

TEST(Placement, NoInitrdIsNoError) {
    const auto initrd = PlaceInitrd(Kernel(kMiB), 0, Ram(32 * kMiB));
    ASSERT_TRUE(initrd.has_value());
    EXPECT_EQ(initrd->size, 0U);
    EXPECT_EQ(initrd->address, GuestAddress(0));
}

TEST(Placement, CommandLineUpToTheLimitIsTakenAndOneByteMoreRefused) {
    EXPECT_TRUE(CheckCommandLine(Kernel(kMiB), "0123456789").has_value());
    EXPECT_EQ(CheckCommandLine(Kernel(kMiB), "0123456789a").error().Message(),
              "the command line has 11 bytes; the kernel takes at most 10");
}

TEST(Placement, CommandLineWithAZeroByteIsRefused) {
    EXPECT_EQ(CheckCommandLine(Kernel(kMiB), std::string_view("a\0b", 3)).error().Message(),
              "the command line contains a zero byte");
}

TEST(MemoryMap, SmallMachineHasThreeRangesWithoutGaps) {
    EXPECT_EQ(MakeMemoryMap(Ram(32 * kMiB)),
              (std::vector<MemoryMapEntry>{{GuestAddress(0), 0x9fc00, MemoryType::kRam},
                                           {GuestAddress(0x9fc00), 0x6'0400, MemoryType::kReserved},
                                           {GuestAddress(kMiB), 31 * kMiB, MemoryType::kRam}}));
}

TEST(MemoryMap, RamAboveTheHoleIsAnEntryOfItsOwn) {
    const auto map = MakeMemoryMap(Ram(3 * kGiB, kGiB));
    ASSERT_EQ(map.size(), 4U);
    EXPECT_EQ(map[2], (MemoryMapEntry{GuestAddress(kMiB), 3 * kGiB - kMiB, MemoryType::kRam}));
    EXPECT_EQ(map[3], (MemoryMapEntry{GuestAddress(4 * kGiB), kGiB, MemoryType::kRam}));
}

}  // namespace
}  // namespace husk
