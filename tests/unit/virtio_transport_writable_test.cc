// The byte of configuration space that a driver may write.
#include "tests/unit/virtio_mmio_driver.h"

namespace husk {
namespace {

using namespace virtio_testing;

struct WritableDevice {
    static constexpr std::uint64_t kNeeded = 0x200;
    static constexpr std::uint64_t kFeature = 0x800;
    static constexpr std::uint32_t kAt = 4;
    static constexpr std::uint64_t kOffset = static_cast<std::uint64_t>(kConfig) + kAt;
    static constexpr std::array<std::byte, 6> kInitial{std::byte{9}, std::byte{9}, std::byte{9},
                                                       std::byte{9}, std::byte{1}, std::byte{9}};
    void Start(std::uint64_t features) {
        EXPECT_TRUE(driver.Negotiate(kFeatureVersion1 | features));
        driver.SetUpQueue(0, SomeQueue());
        driver.AddStatus(kDriverOk);
    }
    Line line;
    Host host;
    RegisterPage page = RegisterPage::Create().value();
    MmioTransport transport{{.id = VirtioDeviceId::kBlock,
                             .features = kDiskFeatures | kFeature,
                             .queues = 2,
                             .max_queue_size = 256,
                             .config = kInitial,
                             .writable_offset = kAt,
                             .writable_feature = kFeature,
                             .writable_needs = kNeeded},
                            page,
                            line,
                            host};
    Driver driver{transport, page};
};

TEST(MmioTransportWritable, DriverWritesItsByteAndTheHostHearsOfIt) {
    WritableDevice device;
    device.Start(WritableDevice::kFeature | WritableDevice::kNeeded);
    device.driver.WriteAt<std::uint8_t>(WritableDevice::kOffset, 0);
    EXPECT_EQ(device.driver.ReadAt<std::uint8_t>(WritableDevice::kOffset), 0u);
    EXPECT_EQ(device.host.configurations, std::vector<bool>{false});
    device.driver.WriteAt<std::uint8_t>(WritableDevice::kOffset, 1);
    EXPECT_EQ(device.host.configurations, (std::vector<bool>{false, true}));
}

TEST(MmioTransportWritable, WhatIsNoSuchWriteChangesNothing) {
    WritableDevice device;
    device.driver.WriteAt<std::uint8_t>(WritableDevice::kOffset, 0);  // nobody runs it
    device.Start(WritableDevice::kFeature | WritableDevice::kNeeded);
    device.driver.WriteAt<std::uint8_t>(WritableDevice::kOffset, 2);
    device.driver.WriteAt<std::uint8_t>(WritableDevice::kOffset + 1, 0);
    device.driver.WriteAt<std::uint16_t>(WritableDevice::kOffset, 0);
    EXPECT_EQ(device.driver.ReadAt<std::uint16_t>(WritableDevice::kOffset), 0x901u);
    EXPECT_TRUE(device.host.configurations.empty());
}

TEST(MmioTransportWritable, WithoutTheFeatureItCannotBeWritten) {
    WritableDevice device;
    device.Start(0);
    device.driver.WriteAt<std::uint8_t>(WritableDevice::kOffset, 0);
    EXPECT_EQ(device.driver.ReadAt<std::uint8_t>(WritableDevice::kOffset), 1u);
    EXPECT_TRUE(device.host.configurations.empty());
}

TEST(MmioTransportWritable, WithoutTheFeatureThatItNeedsItIsZeroAndStaysSo) {
    WritableDevice device;
    EXPECT_TRUE(device.driver.Negotiate(kFeatureVersion1 | WritableDevice::kFeature));
    EXPECT_EQ(device.driver.ReadAt<std::uint8_t>(WritableDevice::kOffset), 0u);
    device.driver.SetUpQueue(0, SomeQueue());
    device.driver.AddStatus(kDriverOk);
    device.driver.WriteAt<std::uint8_t>(WritableDevice::kOffset, 1);
    EXPECT_EQ(device.driver.ReadAt<std::uint8_t>(WritableDevice::kOffset), 0u);
    EXPECT_TRUE(device.host.configurations.empty());
    device.driver.Reset();
    EXPECT_EQ(device.driver.ReadAt<std::uint8_t>(WritableDevice::kOffset), 1u);
}

TEST(MmioTransportWritable, ResetPutsItBack) {
    WritableDevice device;
    device.Start(WritableDevice::kFeature | WritableDevice::kNeeded);
    device.driver.WriteAt<std::uint8_t>(WritableDevice::kOffset, 0);
    device.driver.Reset();
    EXPECT_EQ(device.driver.ReadAt<std::uint8_t>(WritableDevice::kOffset), 1u);
}

TEST(MmioTransportWritable, SecondWriteWhileTheHostIsToldIsDropped) {
    WritableDevice device;
    device.Start(WritableDevice::kFeature | WritableDevice::kNeeded);
    device.host.during_configure = [&] { device.driver.WriteAt<std::uint8_t>(WritableDevice::kOffset, 1); };
    device.driver.WriteAt<std::uint8_t>(WritableDevice::kOffset, 0);
    EXPECT_EQ(device.driver.ReadAt<std::uint8_t>(WritableDevice::kOffset), 0u);
    EXPECT_EQ(device.host.configurations, std::vector<bool>{false});
}

}  // namespace
}  // namespace husk
