// Limits on how much of its disk a guest may use.
#include <gtest/gtest.h>

#include "devices/virtio/blk/blk_limits.h"
#include "tests/unit/blk_driver.h"

namespace husk {
namespace {

using testing::BlkMachine;

constexpr std::uint64_t kSecond = 1'000'000'000;

BlkRequest Reading(std::uint64_t bytes) { return BlkRead{{.offset = 0, .length = bytes, .data = {}}}; }

// How many such requests begin in ten seconds, asked for every tenth of a millisecond.
int InTenSeconds(BlkLimits limits, const BlkRequest& request) {
    int begun = 0;
    for (std::uint64_t now = 0; now < 10 * kSecond; now += 100'000) begun += limits.Take(request, now) ? 1 : 0;
    return begun;
}

TEST(BlkLimits, RequestsKeepToTheirRate) { EXPECT_NEAR(InTenSeconds({100, 0, 0}, Reading(4096)), 1000 + 10, 1); }

TEST(BlkLimits, BytesKeepToTheirRateWhateverTheSizeOfARequest) {
    EXPECT_NEAR(InTenSeconds({0, 1 << 20, 0}, Reading(4096)), 10 * 256 + 25, 1);
    EXPECT_NEAR(InTenSeconds({0, 1 << 20, 0}, Reading(512 * 1024)), 20, 1);  // larger than what may come at once
}

TEST(BlkLimits, TighterOfBothCounts) {
    EXPECT_NEAR(InTenSeconds({100, 1 << 20, 0}, Reading(64 * 1024)), 10 * 16 + 1, 1);
    EXPECT_NEAR(InTenSeconds({4, 1 << 20, 0}, Reading(64 * 1024)), 40, 1);
}

TEST(BlkLimits, ZeroesThatKeepTheirPlaceCostTheirBytes) {
    EXPECT_NEAR(InTenSeconds({0, 1 << 20, 0}, BlkWriteZeroes{{0, 512 * 1024}, Unmap::kNo}), 20, 1);
    EXPECT_GT(InTenSeconds({0, 1 << 20, 0}, BlkWriteZeroes{{0, 512 * 1024}, Unmap::kMay}), 1000);
}

TEST(BlkLimits, FlushesAreFree) {
    BlkLimits limits(1, 1, 0);
    for (int i = 0; i < 100; ++i) EXPECT_TRUE(limits.Take(BlkFlush{}, 0));
}

TEST(BlkLimits, WaitIsUntilTheNextOneMayBegin) {
    BlkLimits limits(10, 0, 0);
    EXPECT_TRUE(limits.Take(Reading(512), 0));
    EXPECT_EQ(limits.Wait(Reading(512), 0), kSecond / 10);
    EXPECT_FALSE(limits.Take(Reading(512), kSecond / 10 - 1));
    EXPECT_TRUE(limits.Take(Reading(512), kSecond / 10));
}

TEST(BlkDeviceLimits, RequestWaitsForItsTurnAndTheDeviceSaysHowLong) {
    BlkMachine machine({.requests_per_second = 20});
    for (int i = 0; i < 2; ++i) (void)machine.Read(0, 512);  // two may come at once
    const auto third = machine.Read(1, 512);
    EXPECT_TRUE(machine.Serve());
    const auto pause = machine.device.Pause();
    ASSERT_TRUE(pause);
    EXPECT_LE(*pause, kSecond / 20);
    EXPECT_EQ(machine.Status(third), 0xee);
    while (machine.device.Pause()) EXPECT_TRUE(machine.Serve());
    EXPECT_EQ(machine.Status(third), 0);
}

TEST(BlkDeviceLimits, StoppedDeviceWaitsForNoLimit) {
    BlkMachine machine({.requests_per_second = 1});
    (void)machine.Read(0, 512);
    const auto second = machine.Read(1, 512);
    EXPECT_TRUE(machine.Serve());
    EXPECT_FALSE(machine.device.Idle());
    machine.Drain();
    EXPECT_TRUE(machine.device.Idle());
    EXPECT_EQ(machine.Status(second), 0);
}

}  // namespace
}  // namespace husk
