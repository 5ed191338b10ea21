#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "vmm/base/bytes.h"
#include "vmm/bus/bus.h"

namespace husk {
namespace {

// Answers reads with its tag and remembers the last offset.
struct TaggedDevice final : BusDevice {
    explicit TaggedDevice(std::uint8_t tag_value = 0) : tag(tag_value) {}
    void Read(std::uint64_t offset, std::span<std::byte> data) override {
        last = offset;
        StoreLittleEndian(data, tag);
    }
    void Write(std::uint64_t offset, std::span<const std::byte> data) override {
        last = offset;
        written = LoadLittleEndian(data);
    }
    std::uint8_t tag;
    std::uint64_t last = ~std::uint64_t{0};
    std::uint64_t written = 0;
};

std::uint64_t Read(const Bus& bus, std::uint64_t address, std::size_t size = 4) {
    std::array<std::byte, 8> data{};
    bus.Read(address, std::span(data).first(size));
    return LoadLittleEndian(std::span(data).first(size));
}

TEST(Bus, EmptyBusReadsAllOnes) {
    const Bus bus;
    std::array<std::byte, 8> data{};
    EXPECT_FALSE(bus.Read(0x1000, data));
    EXPECT_EQ(LoadLittleEndian(data), ~std::uint64_t{0});
    EXPECT_FALSE(bus.Write(0x1000, data));
    EXPECT_EQ(bus.Owner(0x1000), "");
}

TEST(Bus, DeviceSeesOffsetsFromItsBase) {
    Bus bus;
    TaggedDevice device(7);
    ASSERT_TRUE(bus.Attach(0x3f8, 8, device, "uart"));
    EXPECT_EQ(Read(bus, 0x3fa), 7u);
    EXPECT_EQ(device.last, 2u);
    const std::uint16_t value = 0xabcd;
    EXPECT_TRUE(bus.Write(0x3f8, BytesOf(value)));
    EXPECT_EQ(device.last, 0u);
    EXPECT_EQ(device.written, 0xabcdu);
}

TEST(Bus, RangesEndWhereTheyEnd) {
    Bus bus;
    TaggedDevice device(7);
    ASSERT_TRUE(bus.Attach(0x1000, 0x10, device, "device"));
    EXPECT_EQ(Read(bus, 0xfff), 0xffff'ffffu);
    EXPECT_EQ(Read(bus, 0x1000), 7u);
    EXPECT_EQ(Read(bus, 0x100f), 7u);
    EXPECT_EQ(Read(bus, 0x1010), 0xffff'ffffu);
    EXPECT_EQ(Read(bus, ~std::uint64_t{0}), 0xffff'ffffu);
}

TEST(Bus, AccessBelongsToTheOwnerOfItsFirstByte) {
    Bus bus;
    TaggedDevice first(1), second(2);
    ASSERT_TRUE(bus.Attach(0x1000, 4, first, "first"));
    ASSERT_TRUE(bus.Attach(0x1004, 4, second, "second"));
    EXPECT_EQ(Read(bus, 0x1003), 1u);
    EXPECT_EQ(Read(bus, 0x1004), 2u);
    EXPECT_EQ(second.last, 0u);
}

TEST(Bus, OverlapsAreRefusedOnEverySide) {
    Bus bus;
    TaggedDevice device, other;
    ASSERT_TRUE(bus.Attach(0x1000, 0x100, device, "device"));
    EXPECT_FALSE(bus.Attach(0x1000, 0x100, other, "same"));
    EXPECT_FALSE(bus.Attach(0xfff, 2, other, "head"));
    EXPECT_FALSE(bus.Attach(0x10ff, 2, other, "tail"));
    EXPECT_FALSE(bus.Attach(0x1010, 1, other, "inside"));
    EXPECT_FALSE(bus.Attach(0xf00, 0x1000, other, "around"));
    EXPECT_TRUE(bus.Attach(0xfff, 1, other, "before"));
    EXPECT_TRUE(bus.Attach(0x1100, 1, other, "behind"));
}

TEST(Bus, RefusalNamesTheDevice) {
    Bus bus;
    TaggedDevice device;
    ASSERT_TRUE(bus.Attach(0, 1, device, "first"));
    const auto refused = bus.Attach(0, 1, device, "second");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().Message(), "second overlaps another device on the bus");
}

TEST(Bus, RangesThatAreEmptyOrWrapAreRefused) {
    Bus bus;
    TaggedDevice device;
    EXPECT_FALSE(bus.Attach(0x1000, 0, device, "empty"));
    EXPECT_FALSE(bus.Attach(~std::uint64_t{0}, 2, device, "wraps"));
    EXPECT_EQ(Read(bus, 0), 0xffff'ffffu);
}

TEST(Bus, SixtyFourDevicesInAnyOrderAreAllFound) {
    constexpr std::uint64_t kDevices = 64, kStride = 0x1000, kSize = 0x200;
    Bus bus;
    std::vector<TaggedDevice> devices(kDevices);
    for (std::uint64_t i = 0; i < kDevices; ++i) {
        const std::uint64_t shuffled = i * 29 % kDevices;
        devices[shuffled].tag = static_cast<std::uint8_t>(shuffled);
        ASSERT_TRUE(bus.Attach(0xd000'0000 + shuffled * kStride, kSize, devices[shuffled], std::to_string(shuffled)));
    }
    for (std::uint64_t i = 0; i < kDevices; ++i) {
        const std::uint64_t base = 0xd000'0000 + i * kStride;
        EXPECT_EQ(Read(bus, base), i);
        EXPECT_EQ(Read(bus, base + kSize - 1), i);
        EXPECT_EQ(devices[i].last, kSize - 1);
        EXPECT_EQ(Read(bus, base + kSize), 0xffff'ffffu);
        EXPECT_EQ(bus.Owner(base + 1), std::to_string(i));
    }
}

}  // namespace
}  // namespace husk
