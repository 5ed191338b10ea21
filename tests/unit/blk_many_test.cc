// A block device whose driver has many requests under way: when it is asked to ring, and who waits for whom.
#include <gtest/gtest.h>

#include <cstdint>
#include <optional>

#include "devices/virtio/blk/ring_policy.h"
#include "tests/unit/blk_driver.h"

namespace husk {
namespace {

using testing::BlkMachine;

TEST(BlkMany, DriverWithManyAtATimeRingsForSeveral) {
    BlkMachine machine;
    machine.SendManyUntilRingsAreLate();
    machine.Read(1, 512);
    EXPECT_FALSE(machine.driver.MustRing());
    bool rings = false;
    for (int i = 1; i < 2 * RingPolicy::kMost; ++i) {
        machine.Read(1, 512);
        rings = rings || machine.driver.MustRing();
    }
    EXPECT_TRUE(rings);
}

TEST(BlkMany, LoneRequestAfterManyIsServedInTimeAndTheNextOneRings) {
    BlkMachine machine;
    machine.SendManyUntilRingsAreLate();
    machine.Read(1, 512);
    EXPECT_EQ(machine.device.Pause(), RingPolicy::kWait);
    ASSERT_TRUE(machine.Serve());
    EXPECT_TRUE(machine.driver.TakeUsed());
    EXPECT_EQ(machine.device.Pause(), std::nullopt);
    machine.Read(1, 512);
    EXPECT_TRUE(machine.driver.MustRing());
}

TEST(BlkMany, IdleAfterManyAsksForNoMoreTurns) {
    BlkMachine machine;
    machine.SendManyUntilRingsAreLate();
    ASSERT_TRUE(machine.Serve());
    EXPECT_EQ(machine.device.Pause(), std::nullopt);
}

TEST(BlkMany, DeactivatedAfterManyAsksForNoMoreTurns) {
    BlkMachine machine;
    machine.SendManyUntilRingsAreLate();
    ASSERT_TRUE(machine.device.Stop());
    machine.device.Deactivate();
    EXPECT_EQ(machine.device.Pause(), std::nullopt);
    EXPECT_TRUE(machine.Serve());
    EXPECT_EQ(machine.device.Pause(), std::nullopt);
}

TEST(BlkMany, NoRequestWaitsForOthersWhileTheDiskHasSome) {
    BlkMachine machine({.threads = 1});
    machine.SendManyUntilRingsAreLate();
    constexpr std::uint64_t kDiscarded = 8 * 512;
    machine.disk.Hold(kDiscarded);
    for (int i = 0; i < 40; ++i) machine.Read(1, 512);
    machine.OnRange(kBlkTypeDiscard, {.sector = 8, .sectors = 8, .flags = 0});
    ASSERT_TRUE(machine.Serve());
    EXPECT_EQ(machine.device.Pause(), std::nullopt);
    machine.Read(1, 512);
    EXPECT_TRUE(machine.driver.MustRing());
    machine.disk.Release(kDiscarded);
    machine.Drain();
}

}  // namespace
}  // namespace husk
