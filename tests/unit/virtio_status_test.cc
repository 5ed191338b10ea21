#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "devices/virtio/device_status.h"

namespace husk {
namespace {

using enum StatusBit;

constexpr DeviceStatus kRunning{kAcknowledge, kDriver, kFeaturesOk, kDriverOk};

TEST(DeviceStatus, DriverClimbsStepByStep) {
    DeviceStatus status;
    std::vector<std::uint32_t> seen;
    for (const std::uint32_t written : {0x01u, 0x03u, 0x0bu, 0x0fu}) {
        status = NextStatus(status, written, true);
        seen.push_back(status.Value());
    }
    EXPECT_EQ(seen, (std::vector<std::uint32_t>{0x01, 0x03, 0x0b, 0x0f}));
}

TEST(DeviceStatus, OneWriteMayMakeSeveralSteps) {
    EXPECT_EQ(NextStatus({}, 0x03, true), (DeviceStatus{kAcknowledge, kDriver}));
    EXPECT_EQ(NextStatus({}, 0x0f, true), kRunning);
}

TEST(DeviceStatus, SkippedStepsAreRefused) {
    EXPECT_EQ(NextStatus({}, 0x02, true), DeviceStatus{});
    EXPECT_EQ(NextStatus({}, 0x0e, true), DeviceStatus{});
    EXPECT_EQ(NextStatus({kAcknowledge}, 0x09, true), DeviceStatus{kAcknowledge});
    EXPECT_EQ(NextStatus({kAcknowledge, kDriver}, 0x07, true), (DeviceStatus{kAcknowledge, kDriver}));
}

TEST(DeviceStatus, FeaturesOkIsRefusedWithoutAcceptableFeatures) {
    EXPECT_EQ(NextStatus({kAcknowledge, kDriver}, 0x0b, false), (DeviceStatus{kAcknowledge, kDriver}));
    EXPECT_EQ(NextStatus({kAcknowledge, kDriver}, 0x0f, false), (DeviceStatus{kAcknowledge, kDriver}));
}

TEST(DeviceStatus, AgreedFeaturesAreNotAskedAboutAgain) { EXPECT_EQ(NextStatus(kRunning, 0x0f, false), kRunning); }

TEST(DeviceStatus, ClearedBitsStaySet) {
    EXPECT_EQ(NextStatus(kRunning, 0x01, true), kRunning);
    EXPECT_EQ(NextStatus(kRunning, 0xffff'ff00, true), kRunning);
}

TEST(DeviceStatus, FailedIsAcceptedAnyTimeAndEndsTheClimb) {
    EXPECT_EQ(NextStatus({}, 0x80, false), DeviceStatus{kFailed});
    EXPECT_EQ(NextStatus({}, 0x8f, true), DeviceStatus{kFailed});
    EXPECT_EQ(NextStatus(kRunning, 0x8f, true), kRunning.With(kFailed));
    EXPECT_EQ(NextStatus({kFailed}, 0x0f, true), DeviceStatus{kFailed});
    EXPECT_EQ(NextStatus({kAcknowledge, kDriver, kFeaturesOk, kFailed}, 0x8f, true),
              (DeviceStatus{kAcknowledge, kDriver, kFeaturesOk, kFailed}));
}

TEST(DeviceStatus, NeedsResetBelongsToTheDevice) {
    EXPECT_EQ(NextStatus({kAcknowledge}, 0x43, true), (DeviceStatus{kAcknowledge, kDriver}));
    EXPECT_EQ(NextStatus(kRunning.With(kNeedsReset), 0x0f, true), kRunning.With(kNeedsReset));
}

TEST(DeviceStatus, UnknownBitsAreIgnored) { EXPECT_EQ(NextStatus({}, 0xffff'ff31, true), DeviceStatus{kAcknowledge}); }

// Whatever is written in whatever state: nothing is lost, nothing is made up, and DRIVER_OK is never seen without all
// the steps before it.
TEST(DeviceStatus, EveryWriteInEveryStateKeepsTheInvariants) {
    std::vector<DeviceStatus> states{{}};
    for (std::size_t at = 0; at < states.size(); ++at) {
        for (std::uint32_t written = 1; written < 0x200; ++written) {
            for (const bool acceptable : {false, true}) {
                const DeviceStatus now = states[at];
                const DeviceStatus next = NextStatus(now, written, acceptable);
                const std::uint32_t added = next.Value() & ~now.Value();
                EXPECT_TRUE(next.HasAll(now));
                EXPECT_EQ(added & ~written, 0u);
                EXPECT_EQ(added & 0x40, 0u);
                EXPECT_TRUE(!next.Has(kDriverOk) || next.HasAll(kRunning));
                EXPECT_TRUE(acceptable || (added & 0x08) == 0);
                states.insert(states.end(), std::ranges::count(states, next) == 0 ? 1 : 0, next);
            }
        }
    }
    EXPECT_EQ(states.size(), 10u);  // five steps, each with and without FAILED
}

}  // namespace
}  // namespace husk
