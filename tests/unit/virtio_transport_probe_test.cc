// A driver finds the device, agrees on features and starts it.
#include <algorithm>

#include "tests/unit/virtio_mmio_driver.h"

namespace husk {
namespace {

using namespace virtio_testing;

TEST(RegisterPage, IsOneAlignedPageOfZeroes) {
    const RegisterPage page = RegisterPage::Create().value();
    EXPECT_EQ(page.Bytes().size(), 4096u);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(page.Bytes().data()) % 4096, 0u);
    EXPECT_TRUE(std::ranges::all_of(page.Bytes(), [](std::byte byte) { return byte == std::byte{0}; }));
}

TEST(RegisterPage, MovedPageKeepsItsMemory) {
    RegisterPage first = RegisterPage::Create().value();
    const std::byte* const at = first.Bytes().data();
    first.Set(kStatus, 7);
    const RegisterPage second = std::move(first);
    EXPECT_EQ(second.Bytes().data(), at);
    EXPECT_EQ(second.Get(kStatus), 7u);
}

TEST(RegisterPage, ReadsOfAnyWidthAndOffsetFindItsBytes) {
    RegisterPage page = RegisterPage::Create().value();
    page.SetConfig(3, kDiskConfig);
    for (const std::size_t width : {1u, 2u, 4u, 8u}) {
        for (std::uint64_t offset = 0x100; offset < 0x120; ++offset) {
            std::array<std::byte, 8> data{};
            page.Copy(offset, std::span(data).first(width));
            EXPECT_TRUE(std::ranges::equal(std::span(data).first(width), page.Bytes().subspan(offset, width)));
        }
    }
}

TEST(RegisterPage, ReadsBeyondItsEndFindZero) {
    RegisterPage page = RegisterPage::Create().value();
    page.Bytes()[4095] = std::byte{0xff};
    std::array<std::byte, 8> data{};
    data.fill(std::byte{0x5a});
    page.Copy(4095, data);
    EXPECT_EQ(LoadLittleEndian(data), 0xffu);
    data.fill(std::byte{0x5a});
    page.Copy(UINT64_MAX - 3, data);
    EXPECT_EQ(LoadLittleEndian(data), 0u);
}

TEST(MmioTransport, ProbeFindsABlockDeviceOfVersionTwo) {
    Device device;
    EXPECT_EQ(device.driver.Read(kMagicValue), 0x7472'6976u);
    EXPECT_EQ(device.driver.Read(kVersion), 2u);
    EXPECT_EQ(device.driver.Read(kDeviceId), 2u);
    EXPECT_NE(device.driver.Read(kVendorId), 0u);
    EXPECT_EQ(device.driver.Status(), 0u);
    EXPECT_EQ(device.driver.Read(kInterruptStatus), 0u);
}

TEST(MmioTransport, OfferedFeaturesFollowTheirSelector) {
    Device device;
    EXPECT_EQ(device.driver.OfferedFeatures(), kDiskFeatures | kFeatureVersion1);
    device.driver.Write(kDeviceFeaturesSel, 2);
    EXPECT_EQ(device.driver.Read(kDeviceFeatures), 0u);
    device.driver.Write(kDeviceFeaturesSel, UINT32_MAX);
    EXPECT_EQ(device.driver.Read(kDeviceFeatures), 0u);
}

TEST(MmioTransport, QueueRegistersFollowTheirSelector) {
    Device device;
    device.driver.SetUpQueue(1, SomeQueue());
    EXPECT_EQ(device.driver.Read(kQueueReady), 1u);
    device.driver.Write(kQueueSel, 0);
    EXPECT_EQ(device.driver.Read(kQueueSizeMax), 256u);
    EXPECT_EQ(device.driver.Read(kQueueReady), 0u);
    device.driver.Write(kQueueSel, 2);
    EXPECT_EQ(device.driver.Read(kQueueSizeMax), 0u);
    EXPECT_EQ(device.driver.Read(kQueueReady), 0u);
    device.driver.Write(kQueueSel, UINT32_MAX);
    EXPECT_EQ(device.driver.Read(kQueueSizeMax), 0u);
}

TEST(MmioTransport, SharedMemoryRegionsDoNotExist) {
    Device device;
    device.driver.Write(kShmSel, 0);
    EXPECT_EQ(device.driver.Read(kShmLenLow), UINT32_MAX);
    EXPECT_EQ(device.driver.Read(kShmLenHigh), UINT32_MAX);
    EXPECT_EQ(device.driver.Read(kShmBaseLow), UINT32_MAX);
    EXPECT_EQ(device.driver.Read(kShmBaseHigh), UINT32_MAX);
}

TEST(MmioTransport, WriteOnlyRegistersReadZero) {
    Device device;
    device.driver.SetUpQueue(0, SomeQueue());
    for (const MmioRegister at : {kDeviceFeaturesSel, kDriverFeatures, kDriverFeaturesSel, kQueueSel, kQueueSize,
                                  kQueueNotify, kInterruptAck, kQueueDescLow, kQueueDescHigh, kShmSel, kQueueReset}) {
        EXPECT_EQ(device.driver.Read(at), 0u);
    }
}

TEST(MmioTransport, ConfigurationReadsWithAnyWidth) {
    Device device;
    EXPECT_EQ(device.driver.ReadConfig<std::uint8_t>(9), 0xaau);
    EXPECT_EQ(device.driver.ReadConfig<std::uint16_t>(2), 0x4433u);
    EXPECT_EQ(device.driver.ReadConfig<std::uint32_t>(4), 0x8877'6655u);
    EXPECT_EQ(device.driver.ReadConfig<std::uint64_t>(0), 0x8877'6655'4433'2211u);
    EXPECT_EQ(device.driver.ReadConfig<std::uint32_t>(3), 0x7766'5544u);
}

TEST(MmioTransport, ConfigurationEndsInZeroes) {
    Device device;
    EXPECT_EQ(device.driver.ReadConfig<std::uint32_t>(8), 0xaa99u);
    EXPECT_EQ(device.driver.ReadConfig<std::uint64_t>(10), 0u);
    EXPECT_EQ(device.driver.ReadConfig<std::uint64_t>(0xefc), 0u);
    EXPECT_EQ(device.driver.ReadAt<std::uint64_t>(0xfff), 0u);
}

TEST(MmioTransport, OddReadsOfRegistersFindTheirBytes) {
    Device device;
    EXPECT_EQ(device.driver.ReadAt<std::uint8_t>(1), 'i');
    EXPECT_EQ(device.driver.ReadAt<std::uint64_t>(0), 0x2'7472'6976u);
    EXPECT_EQ(device.driver.ReadAt<std::uint32_t>(2), 0x2'7472u);
}

TEST(MmioTransport, DriverOkActivatesOnceWithWhatTheDriverChose) {
    Device device;
    device.driver.Reset();
    ASSERT_TRUE(device.driver.Negotiate(kFeatureVersion1 | kFeatureEventIdx));
    device.driver.SetUpQueue(0, SomeQueue(0, 128));
    device.driver.SetUpQueue(1, SomeQueue(1, 2));
    device.driver.AddStatus(kDriverOk);
    device.driver.AddStatus(kDriverOk);

    ASSERT_EQ(device.host.activations.size(), 1u);
    const Activation& activation = device.host.activations[0];
    EXPECT_EQ(activation.features, kFeatureVersion1 | kFeatureEventIdx);
    for (const std::uint32_t index : {0u, 1u}) {
        EXPECT_EQ(activation.queues[index].desc, SomeQueue(index).desc);
        EXPECT_EQ(activation.queues[index].driver, SomeQueue(index).driver);
        EXPECT_EQ(activation.queues[index].device, SomeQueue(index).device);
    }
    EXPECT_EQ(activation.queues[0].size, 128u);
    EXPECT_EQ(activation.queues[1].size, 2u);
    EXPECT_EQ(activation.queues[2].size, 0u);
    EXPECT_EQ(device.driver.Status(), kRunning);
    EXPECT_TRUE(device.transport.Live());
    EXPECT_EQ(device.host.resets, 0);
    EXPECT_EQ(device.line.pulses, 0);
}

TEST(MmioTransport, QueuesThatAreNotReadyAreNotUsed) {
    Device device;
    ASSERT_TRUE(device.driver.Negotiate(kFeatureVersion1));
    device.driver.WriteQueue(0, 64, SomeQueue());
    device.driver.AddStatus(kDriverOk);
    ASSERT_EQ(device.host.activations.size(), 1u);
    EXPECT_EQ(device.host.activations[0].queues[0].size, 0u);
    EXPECT_EQ(device.host.activations[0].queues[0].desc, GuestAddress());
}

TEST(MmioTransport, QueueTakenBackBeforeDriverOkCanBeSetUpAnew) {
    Device device;
    ASSERT_TRUE(device.driver.Negotiate(kFeatureVersion1));
    device.driver.SetUpQueue(0, SomeQueue(3, 64));
    device.driver.Write(kQueueReady, 0);
    EXPECT_EQ(device.driver.Read(kQueueReady), 0u);
    device.driver.SetUpQueue(0, SomeQueue(4, 32));
    device.driver.AddStatus(kDriverOk);
    EXPECT_EQ(device.host.activations.at(0).queues[0].size, 32u);
    EXPECT_EQ(device.host.activations.at(0).queues[0].desc, SomeQueue(4).desc);
    EXPECT_EQ(device.host.resets, 0);
}

TEST(MmioTransport, AddressesAreAssembledFromHalvesInAnyOrder) {
    Device device;
    ASSERT_TRUE(device.driver.Negotiate(kFeatureVersion1));
    device.driver.WriteQueue(0, 16, SomeQueue());
    device.driver.Write(kQueueDescHigh, 0xffff'ffff);
    device.driver.Write(kQueueDescLow, 0x1000);
    device.driver.Write(kQueueDriverLow, 0xdead'beef);
    device.driver.Write(kQueueDriverHigh, 0);
    device.driver.Write(kQueueReady, 1);
    device.driver.AddStatus(kDriverOk);
    EXPECT_EQ(device.host.activations.at(0).queues[0].desc, GuestAddress(0xffff'ffff'0000'1000));
    EXPECT_EQ(device.host.activations.at(0).queues[0].driver, GuestAddress(0xdead'beef));
}

TEST(MmioTransport, DoorbellsThatTrapReachTheHost) {
    Device device;
    device.driver.Start();
    device.driver.Write(kQueueNotify, 1);
    device.driver.Write(kQueueNotify, 0);
    EXPECT_EQ(device.host.doorbells, (std::vector<std::uint32_t>{1, 0}));
}

TEST(MmioTransportDeathTest, ImpossibleModelsAbort) {
    RegisterPage page = RegisterPage::Create().value();
    Line line;
    Host host;
    const std::array<std::byte, 257> config{};
    const auto build = [&](VirtioDeviceModel model) { MmioTransport(model, page, line, host); };
    using enum VirtioDeviceId;
    EXPECT_DEATH(build({.id = kNet, .features = 0, .queues = kMaxQueues + 1, .max_queue_size = 64, .config = {}}), "");
    EXPECT_DEATH(build({.id = kNet, .features = 0, .queues = 1, .max_queue_size = 2048, .config = {}}), "");
    EXPECT_DEATH(build({.id = kNet, .features = 0, .queues = 1, .max_queue_size = 100, .config = {}}), "");
    EXPECT_DEATH(build({.id = kNet, .features = 0, .queues = 1, .max_queue_size = 0, .config = {}}), "");
    EXPECT_DEATH(build({.id = kNet, .features = 0, .queues = 1, .max_queue_size = 64, .config = config}), "");
}

}  // namespace
}  // namespace husk
