// Reset, stop, device errors, configuration changes and interrupts. What "another vCPU" or the control thread does in
// the middle of a host call is done from inside that call: nobody holds a lock there, or these tests would hang.
#include "tests/unit/virtio_mmio_driver.h"

namespace husk {
namespace {

using namespace virtio_testing;

constexpr std::array kNewBytes{std::byte{0xe1}, std::byte{0xe2}};

TEST(MmioTransport, ResetOfARunningDeviceStopsTheHostAndClearsAllRegisters) {
    Device device;
    const std::vector fresh(device.page.Bytes().begin(), device.page.Bytes().end());
    device.driver.Start();
    device.driver.Write(kDeviceFeaturesSel, 1);
    device.driver.Write(kQueueSel, 0);
    device.driver.Reset();
    EXPECT_EQ(device.host.resets, 1);
    EXPECT_FALSE(device.transport.Live());
    EXPECT_TRUE(std::equal(fresh.begin(), fresh.end(), device.page.Bytes().begin()));
}

TEST(MmioTransport, ResetOfAnIdleDeviceDoesNotReachTheHost) {
    Device device;
    device.driver.Reset();
    ASSERT_TRUE(device.driver.Negotiate(kFeatureVersion1));
    device.driver.Reset();
    EXPECT_EQ(device.host.resets, 0);
    EXPECT_EQ(device.driver.Status(), 0u);
}

TEST(MmioTransport, ResetForgetsFeaturesAndGeometry) {
    Device device;
    ASSERT_TRUE(device.driver.Negotiate(kFeatureVersion1));
    device.driver.SetUpQueue(0, SomeQueue());
    device.driver.Reset();
    device.driver.AddStatus(kAcknowledge);
    device.driver.AddStatus(kDriver);
    device.driver.AddStatus(kFeaturesOk);
    EXPECT_EQ(device.driver.Status(), kAcknowledge | kDriver);
    device.driver.Write(kQueueSel, 0);
    device.driver.Write(kQueueReady, 1);
    EXPECT_EQ(device.driver.Read(kQueueReady), 0u);
}

TEST(MmioTransport, DeviceStartsAgainAfterEveryReset) {
    Device device;
    for (int round = 0; round < 100; ++round) device.driver.Start();
    EXPECT_EQ(device.host.activations.size(), 100u);
    EXPECT_EQ(device.host.resets, 99);
}

TEST(MmioTransport, StatusReadsZeroOnlyAfterTheHostHasStopped) {
    Device device;
    device.driver.Start();
    std::uint32_t status = 0;
    bool live = true;
    device.host.during_reset = [&] {
        status = device.driver.Status();
        live = device.transport.Live();
    };
    device.driver.Reset();
    EXPECT_EQ(status, kRunning);
    EXPECT_FALSE(live);
    EXPECT_EQ(device.driver.Status(), 0u);
}

TEST(MmioTransport, WritesOfOtherVcpusDuringAResetAreIgnored) {
    Device device;
    device.driver.Start();
    const std::vector running(device.page.Bytes().begin(), device.page.Bytes().end());
    std::vector<std::byte> resetting;
    device.host.during_reset = [&] {
        device.driver.Write(kStatus, 0);
        device.driver.Write(kStatus, kRunning | kFailed);
        device.driver.Write(kQueueNotify, 0);
        device.driver.Write(kQueueReady, 0);
        device.driver.Write(kQueueSel, 7);
        device.driver.Write(kDeviceFeaturesSel, 1);
        resetting.assign(device.page.Bytes().begin(), device.page.Bytes().end());
    };
    device.driver.Reset();
    EXPECT_EQ(resetting, running);
    EXPECT_EQ(device.host.resets, 1);
    EXPECT_EQ(device.host.activations.size(), 1u);
    EXPECT_TRUE(device.host.doorbells.empty());
    EXPECT_EQ(device.driver.Status(), 0u);
}

TEST(MmioTransport, DriverOkOfAnotherVcpuDuringActivateDoesNotActivateTwice) {
    Device device;
    device.host.during_activate = [&] {
        device.driver.Write(kStatus, kRunning);
        device.driver.WriteQueue(0, 8, SomeQueue(5));
    };
    device.driver.Start();
    EXPECT_EQ(device.host.activations.size(), 1u);
    EXPECT_EQ(device.host.resets, 0);
    EXPECT_TRUE(device.transport.Live());
}

TEST(MmioTransport, ResetOfAnotherVcpuDuringActivateFollowsIt) {
    Device device;
    std::uint32_t status = 0;
    int resets = -1;
    device.host.during_activate = [&] {
        device.driver.Write(kStatus, 0);
        resets = device.host.resets;
        status = device.driver.Status();
        device.driver.Write(kQueueNotify, 0);
    };
    device.driver.Start();
    EXPECT_EQ(resets, 0);
    EXPECT_EQ(status, kRunning);
    EXPECT_TRUE(device.host.doorbells.empty());
    EXPECT_EQ(device.host.resets, 1);
    EXPECT_EQ(device.driver.Status(), 0u);
    EXPECT_FALSE(device.transport.Live());
}

TEST(MmioTransport, DoorbellDuringActivateIsPassedOn) {
    Device device;
    device.host.during_activate = [&] { device.driver.Write(kQueueNotify, 0); };
    device.driver.Start();
    EXPECT_EQ(device.host.doorbells.size(), 1u);
}

TEST(MmioTransport, TakingAQueueFromARunningDeviceStopsAllOfIt) {
    Device device;
    device.driver.Start();
    std::uint32_t ready = 0;
    device.host.during_reset = [&] { ready = device.driver.Read(kQueueReady); };
    device.driver.Write(kQueueSel, 0);
    device.driver.Write(kQueueReady, 0);
    EXPECT_EQ(ready, 1u);
    EXPECT_EQ(device.driver.Read(kQueueReady), 0u);
    EXPECT_EQ(device.host.resets, 1);
    EXPECT_FALSE(device.transport.Live());
    EXPECT_EQ(device.driver.Status(), kRunning | kNeedsReset);
    EXPECT_EQ(device.driver.Read(kInterruptStatus), kUsedBuffer | kConfigChange);
    EXPECT_EQ(device.line.pulses, 1);
}

TEST(MmioTransport, StoppedDeviceIsResetWithoutTheHostAndStartsAgain) {
    Device device;
    device.driver.Start();
    device.driver.Write(kQueueReady, 0);
    device.driver.Write(kQueueReady, 1);
    EXPECT_EQ(device.driver.Read(kQueueReady), 0u);
    device.driver.Start();
    EXPECT_EQ(device.host.resets, 1);
    EXPECT_EQ(device.host.activations.size(), 2u);
    EXPECT_EQ(device.driver.Status(), kRunning);
}

TEST(MmioTransport, ResetOfAnotherVcpuWhileAQueueIsTakenWins) {
    Device device;
    device.driver.Start();
    device.host.during_reset = [&] { device.driver.Write(kStatus, 0); };
    device.driver.Write(kQueueReady, 0);
    EXPECT_EQ(device.host.resets, 1);
    EXPECT_EQ(device.driver.Status(), 0u);
    EXPECT_EQ(device.line.pulses, 0);
}

TEST(MmioTransport, UsedBufferInterruptReadsSetFromDriverOkToReset) {
    Device device;
    ASSERT_TRUE(device.driver.Negotiate(kFeatureVersion1));
    EXPECT_EQ(device.driver.Read(kInterruptStatus), 0u);
    device.driver.AddStatus(kDriverOk);
    EXPECT_EQ(device.driver.Read(kInterruptStatus), kUsedBuffer);
    device.driver.Write(kInterruptAck, kUsedBuffer);
    EXPECT_EQ(device.driver.Read(kInterruptStatus), kUsedBuffer);
    device.driver.Reset();
    EXPECT_EQ(device.driver.Read(kInterruptStatus), 0u);
}

TEST(MmioTransport, FailedEndsInterruptsAndLifeButNotTheHost) {
    Device device;
    device.driver.Start();
    device.driver.AddStatus(kFailed);
    EXPECT_EQ(device.driver.Read(kInterruptStatus), 0u);
    EXPECT_FALSE(device.transport.Live());
    device.transport.NeedsReset();
    EXPECT_EQ(device.driver.Status(), kRunning | kFailed);
    EXPECT_TRUE(device.transport.ChangeConfig(0, kNewBytes));
    EXPECT_EQ(device.line.pulses, 0);
    EXPECT_EQ(device.host.resets, 0);
    device.driver.Reset();
    EXPECT_EQ(device.host.resets, 1);
}

TEST(MmioTransport, NeedsResetOfALiveDeviceShowsAndInterruptsOnce) {
    Device device;
    device.driver.Start();
    device.transport.NeedsReset();
    device.transport.NeedsReset();
    EXPECT_EQ(device.driver.Status(), kRunning | kNeedsReset);
    EXPECT_EQ(device.driver.Read(kInterruptStatus), kUsedBuffer | kConfigChange);
    EXPECT_EQ(device.line.pulses, 1);
    device.driver.Start();
    EXPECT_EQ(device.driver.Status(), kRunning);
    EXPECT_EQ(device.driver.Read(kInterruptStatus), kUsedBuffer);
}

TEST(MmioTransport, NeedsResetWithoutALiveDeviceDoesNothing) {
    Device device;
    device.transport.NeedsReset();
    ASSERT_TRUE(device.driver.Negotiate(kFeatureVersion1));
    device.transport.NeedsReset();
    EXPECT_EQ(device.driver.Status(), kAcknowledge | kDriver | kFeaturesOk);
    EXPECT_EQ(device.line.pulses, 0);
}

TEST(MmioTransport, NeedsResetDuringAResetIsForgotten) {
    Device device;
    device.driver.Start();
    device.host.during_reset = [&] { device.transport.NeedsReset(); };
    device.driver.Reset();
    EXPECT_EQ(device.driver.Status(), 0u);
    EXPECT_EQ(device.line.pulses, 0);
}

TEST(MmioTransport, NeedsResetDuringActivateIsHeard) {
    Device device;
    device.host.during_activate = [&] { device.transport.NeedsReset(); };
    device.driver.Start();
    EXPECT_EQ(device.driver.Status(), kRunning | kNeedsReset);
    EXPECT_GE(device.line.pulses, 1);
}

TEST(MmioTransport, ConfigChangeShowsNewBytesAndGenerationAndInterrupts) {
    Device device;
    device.driver.Start();
    const std::uint32_t generation = device.driver.Read(kConfigGeneration);
    EXPECT_TRUE(device.transport.ChangeConfig(3, kNewBytes));
    EXPECT_EQ(device.driver.ReadConfig<std::uint64_t>(0), 0x8877'66e2'e133'2211u);
    EXPECT_EQ(device.driver.Read(kConfigGeneration), generation + 1);
    EXPECT_EQ(device.driver.Read(kInterruptStatus), kUsedBuffer | kConfigChange);
    EXPECT_EQ(device.line.pulses, 1);
}

TEST(MmioTransport, AcknowledgedConfigChangeIsOver) {
    Device device;
    device.driver.Start();
    ASSERT_TRUE(device.transport.ChangeConfig(0, kNewBytes));
    device.driver.Write(kInterruptAck, kUsedBuffer);
    EXPECT_EQ(device.driver.Read(kInterruptStatus), kUsedBuffer | kConfigChange);
    device.driver.Write(kInterruptAck, device.driver.Read(kInterruptStatus));
    EXPECT_EQ(device.driver.Read(kInterruptStatus), kUsedBuffer);
}

TEST(MmioTransport, ConfigChangeOutOfRangeChangesNothing) {
    Device device;
    device.driver.Start();
    EXPECT_FALSE(device.transport.ChangeConfig(9, kNewBytes));
    EXPECT_FALSE(device.transport.ChangeConfig(UINT32_MAX, kNewBytes));
    EXPECT_FALSE(device.transport.ChangeConfig(11, {}));
    EXPECT_EQ(device.driver.Read(kConfigGeneration), 0u);
    EXPECT_EQ(device.line.pulses, 0);
    EXPECT_TRUE(device.transport.ChangeConfig(8, kNewBytes));
}

TEST(MmioTransport, ConfigChangeBeforeAnyDriverIsSilent) {
    Device device;
    EXPECT_TRUE(device.transport.ChangeConfig(0, kNewBytes));
    device.driver.Start();
    EXPECT_EQ(device.driver.Read(kConfigGeneration), 1u);
    EXPECT_EQ(device.driver.Read(kInterruptStatus), kUsedBuffer);
    EXPECT_EQ(device.line.pulses, 0);
}

TEST(MmioTransport, ConfigChangeDuringSetUpInterruptsAtDriverOk) {
    Device device;
    ASSERT_TRUE(device.driver.Negotiate(kFeatureVersion1));
    EXPECT_TRUE(device.transport.ChangeConfig(0, kNewBytes));
    EXPECT_EQ(device.driver.Read(kInterruptStatus), 0u);
    EXPECT_EQ(device.line.pulses, 0);
    device.driver.AddStatus(kDriverOk);
    EXPECT_EQ(device.driver.Read(kInterruptStatus), kUsedBuffer | kConfigChange);
    EXPECT_EQ(device.line.pulses, 1);
}

TEST(MmioTransport, ConfigChangeDuringAResetKeepsItsBytesAndNoInterrupt) {
    Device device;
    device.driver.Start();
    device.host.during_reset = [&] { EXPECT_TRUE(device.transport.ChangeConfig(0, kNewBytes)); };
    device.driver.Reset();
    EXPECT_EQ(device.driver.ReadConfig<std::uint16_t>(0), 0xe2e1u);
    EXPECT_EQ(device.driver.Read(kConfigGeneration), 1u);
    EXPECT_EQ(device.driver.Read(kInterruptStatus), 0u);
    EXPECT_EQ(device.line.pulses, 0);
}

TEST(MmioTransport, ResetClearsAPendingConfigChangeAndKeepsTheGeneration) {
    Device device;
    device.driver.Start();
    ASSERT_TRUE(device.transport.ChangeConfig(0, kNewBytes));
    ASSERT_TRUE(device.transport.ChangeConfig(2, kNewBytes));
    device.driver.Start();
    EXPECT_EQ(device.driver.Read(kInterruptStatus), kUsedBuffer);
    EXPECT_EQ(device.driver.Read(kConfigGeneration), 2u);
    EXPECT_EQ(device.driver.ReadConfig<std::uint32_t>(0), 0xe2e1'e2e1u);
}

}  // namespace
}  // namespace husk
