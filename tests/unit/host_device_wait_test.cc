#include "devices/host/device_wait.h"

#include <gtest/gtest.h>

namespace husk {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;

void Say(DeviceWait& wait, std::string_view text, std::uint64_t now, std::size_t end = 0) {
    wait.See(end, std::as_bytes(std::span(text)), now);
}

TEST(DeviceWait, TwentySecondsAfterTheScriptedStageBeganToWaitItIsAStall) {
    DeviceWait wait;
    Say(wait, "waiting for device /dev/disk/by-label/nixos to appear...", 5 * kSecond);
    EXPECT_EQ(wait.Deadline(), 25 * kSecond);
    Say(wait, "..........", 15 * kSecond);
    EXPECT_FALSE(wait.TakeStall(24 * kSecond));
    EXPECT_TRUE(wait.TakeStall(25 * kSecond));
    EXPECT_FALSE(wait.Deadline());
}

TEST(DeviceWait, ADeviceThatAppearsEndsTheWait) {
    DeviceWait wait;
    Say(wait, "waiting for device /dev/vda to appear...", 0);
    Say(wait, "... - success\n", 3 * kSecond);
    EXPECT_FALSE(wait.Deadline());
    EXPECT_FALSE(wait.TakeStall(100 * kSecond));
}

TEST(DeviceWait, SystemdsTimeoutIsAStallAtOnce) {
    DeviceWait wait;
    Say(wait, "[ TIME ] Timed out waiting for device /dev/disk/by-label/nixos.\r\n", kSecond);
    EXPECT_TRUE(wait.TakeStall(kSecond));
}

TEST(DeviceWait, SystemdsRepeatedLineCountsFromItsFirst) {
    DeviceWait wait;
    Say(wait, "[*  ] A start job is running for /dev/disk/by-label/nixos (6s / 1min 30s)\r", kSecond);
    Say(wait, "[ * ] A start job is running for /dev/disk/by-label/nixos (7s / 1min 30s)\r", 2 * kSecond);
    EXPECT_EQ(wait.Deadline(), 21 * kSecond);
}

TEST(DeviceWait, SentencesMayComeInPiecesAndOnEitherConsole) {
    DeviceWait wait;
    Say(wait, "waiting for dev", 0, 0);
    Say(wait, "hello\n", 0, 1);
    Say(wait, "ice /dev/vda", kSecond, 0);
    EXPECT_EQ(wait.Deadline(), 21 * kSecond);
    DeviceWait other;
    Say(other, "wwaiting for device /dev/vda", 0, 1);
    EXPECT_TRUE(other.Deadline());
}

TEST(DeviceWait, IsToldOnce) {
    DeviceWait wait;
    Say(wait, "Timed out waiting for device", 0);
    EXPECT_TRUE(wait.TakeStall(0));
    Say(wait, "Timed out waiting for device", kSecond);
    EXPECT_FALSE(wait.TakeStall(2 * kSecond));
}

TEST(DeviceWait, OnlyABootsWorthOfOutputIsLookedAt) {
    DeviceWait wait;
    const std::string much(DeviceWait::kLooksAt, 'x');
    Say(wait, much, 0);
    Say(wait, "Timed out waiting for device", kSecond);
    EXPECT_FALSE(wait.Deadline());
}

}  // namespace
}  // namespace husk
