// What a driver may not do: nothing happens, and reads say so.
#include <algorithm>

#include "tests/unit/virtio_mmio_driver.h"

namespace husk {
namespace {

using namespace virtio_testing;

TEST(MmioTransport, FeaturesWithoutVersionOneAreRefused) {
    Device device;
    EXPECT_FALSE(device.driver.Negotiate(kFeatureEventIdx));
    EXPECT_EQ(device.driver.Status(), kAcknowledge | kDriver);
}

TEST(MmioTransport, FeaturesThatWereNotOfferedAreRefused) {
    Device device;
    EXPECT_FALSE(device.driver.Negotiate(kFeatureVersion1 | 1));
    EXPECT_FALSE(device.driver.Negotiate(kFeatureVersion1 | std::uint64_t{1} << 63));
    device.driver.WriteFeatures(kFeatureVersion1);
    device.driver.AddStatus(kFeaturesOk);
    EXPECT_EQ(device.driver.Status(), kAcknowledge | kDriver | kFeaturesOk);
}

TEST(MmioTransport, FeaturesBeyondBitSixtyThreeAreRefusedUntilAReset) {
    Device device;
    device.driver.Write(kDriverFeaturesSel, 2);
    device.driver.Write(kDriverFeatures, 1);
    EXPECT_FALSE(device.driver.Negotiate(kFeatureVersion1));
    device.driver.Reset();
    device.driver.Write(kDriverFeaturesSel, UINT32_MAX);
    device.driver.Write(kDriverFeatures, 0);
    EXPECT_TRUE(device.driver.Negotiate(kFeatureVersion1));
}

TEST(MmioTransport, FeaturesAreFixedByFeaturesOk) {
    Device device;
    ASSERT_TRUE(device.driver.Negotiate(kFeatureVersion1));
    device.driver.WriteFeatures(kFeatureVersion1 | kFeatureEventIdx);
    device.driver.AddStatus(kDriverOk);
    EXPECT_EQ(device.host.activations.at(0).features, kFeatureVersion1);
}

TEST(MmioTransport, DriverOkWithoutFeaturesOkDoesNotActivate) {
    Device device;
    device.driver.AddStatus(kAcknowledge);
    device.driver.AddStatus(kDriver);
    device.driver.SetUpQueue(0, SomeQueue());
    device.driver.AddStatus(kDriverOk);
    EXPECT_EQ(device.driver.Status(), kAcknowledge | kDriver);
    EXPECT_TRUE(device.host.activations.empty());
    EXPECT_FALSE(device.transport.Live());
}

TEST(MmioTransport, StatusBitsCannotBeTakenBack) {
    Device device;
    device.driver.Start();
    device.driver.Write(kStatus, kAcknowledge);
    EXPECT_EQ(device.driver.Status(), kRunning);
    EXPECT_EQ(device.host.resets, 0);
}

TEST(MmioTransport, FailedDriverCannotGoOnWithoutAReset) {
    Device device;
    ASSERT_TRUE(device.driver.Negotiate(kFeatureVersion1));
    device.driver.AddStatus(kFailed);
    device.driver.AddStatus(kDriverOk);
    EXPECT_EQ(device.driver.Status(), kAcknowledge | kDriver | kFeaturesOk | kFailed);
    EXPECT_TRUE(device.host.activations.empty());
    device.driver.Start();
    EXPECT_EQ(device.host.activations.size(), 1u);
}

TEST(MmioTransport, QueueOfImpossibleSizeIsNotReady) {
    Device device;
    for (const std::uint32_t size : {0u, 3u, 255u, 257u, 512u, 0x1'0000u, 0x1'0100u, 0x8000'0000u, UINT32_MAX}) {
        device.driver.WriteQueue(0, size, SomeQueue());
        device.driver.Write(kQueueReady, 1);
        EXPECT_EQ(device.driver.Read(kQueueReady), 0u) << size;
    }
    for (const std::uint32_t size : {1u, 2u, 128u, 256u}) {
        device.driver.WriteQueue(0, size, SomeQueue());
        device.driver.Write(kQueueReady, 1);
        EXPECT_EQ(device.driver.Read(kQueueReady), 1u) << size;
        device.driver.Write(kQueueReady, 0);
    }
}

TEST(MmioTransport, QueueReadyKnowsOnlyZeroAndOne) {
    Device device;
    device.driver.WriteQueue(0, 16, SomeQueue());
    device.driver.Write(kQueueReady, 2);
    EXPECT_EQ(device.driver.Read(kQueueReady), 0u);
    device.driver.Write(kQueueReady, 1);
    device.driver.Write(kQueueReady, 0x1'0000);
    EXPECT_EQ(device.driver.Read(kQueueReady), 1u);
}

TEST(MmioTransport, QueueThatDoesNotExistCannotBeSetUp) {
    Device device;
    ASSERT_TRUE(device.driver.Negotiate(kFeatureVersion1));
    for (const std::uint32_t index : {2u, 3u, 4u, 0x8000'0000u, UINT32_MAX}) {
        device.driver.SetUpQueue(index, SomeQueue());
        EXPECT_FALSE(device.driver.QueueReady(index));
    }
    device.driver.AddStatus(kDriverOk);
    for (const QueueConfig& queue : device.host.activations.at(0).queues) EXPECT_EQ(queue.size, 0u);
}

TEST(MmioTransport, ReadyQueueKeepsItsGeometry) {
    Device device;
    ASSERT_TRUE(device.driver.Negotiate(kFeatureVersion1));
    device.driver.SetUpQueue(0, SomeQueue(0, 64));
    device.driver.WriteQueue(0, 128, SomeQueue(7));
    device.driver.AddStatus(kDriverOk);
    EXPECT_EQ(device.host.activations.at(0).queues[0].size, 64u);
    EXPECT_EQ(device.host.activations.at(0).queues[0].desc, SomeQueue(0).desc);
    EXPECT_EQ(device.host.activations.at(0).queues[0].driver, SomeQueue(0).driver);
    EXPECT_EQ(device.host.activations.at(0).queues[0].device, SomeQueue(0).device);
}

TEST(MmioTransport, NoQueueIsAddedAfterDriverOk) {
    Device device;
    device.driver.Start();
    device.driver.SetUpQueue(1, SomeQueue(1));
    EXPECT_FALSE(device.driver.QueueReady(1));
    EXPECT_EQ(device.host.activations.size(), 1u);
    EXPECT_EQ(device.host.resets, 0);
}

TEST(MmioTransport, WritesThatAreNotFourAlignedBytesGoNowhere) {
    Device device;
    ASSERT_TRUE(device.driver.Negotiate(kFeatureVersion1));
    const auto status = static_cast<std::uint64_t>(kStatus);
    device.driver.WriteAt<std::uint8_t>(status, 0);
    device.driver.WriteAt<std::uint16_t>(status, 0);
    device.driver.WriteAt<std::uint64_t>(status, 0);
    device.driver.WriteAt<std::uint32_t>(status + 1, 0);
    device.driver.WriteAt<std::uint32_t>(status - 2, 0);
    EXPECT_EQ(device.driver.Status(), kAcknowledge | kDriver | kFeaturesOk);
}

TEST(MmioTransport, ReadOnlyRegistersAndConfigurationCannotBeWritten) {
    Device device;
    const std::vector before(device.page.Bytes().begin(), device.page.Bytes().end());
    for (const MmioRegister at : {kMagicValue, kVersion, kDeviceId, kVendorId, kDeviceFeatures, kQueueSizeMax,
                                  kInterruptStatus, kShmLenLow, kShmBaseHigh, kQueueReset, kConfigGeneration}) {
        device.driver.Write(at, 0x55);
    }
    for (std::uint64_t offset = 0x100; offset < 0x1010; offset += 4) device.driver.WriteAt(offset, UINT32_MAX);
    device.driver.WriteAt<std::uint32_t>(std::uint64_t{1} << 32 | static_cast<std::uint64_t>(kStatus), kAcknowledge);
    EXPECT_TRUE(std::equal(before.begin(), before.end(), device.page.Bytes().begin()));
}

TEST(MmioTransport, DoorbellsOutsideALiveDeviceGoNowhere) {
    Device device;
    device.driver.Write(kQueueNotify, 0);
    device.driver.Start();
    device.driver.Write(kQueueNotify, 2);
    device.driver.Write(kQueueNotify, 0x1'0000);
    device.driver.AddStatus(kFailed);
    device.driver.Write(kQueueNotify, 0);
    device.driver.Reset();
    device.driver.Write(kQueueNotify, 0);
    EXPECT_TRUE(device.host.doorbells.empty());
}

}  // namespace
}  // namespace husk
