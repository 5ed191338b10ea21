#include "devices/platform/power.h"

#include <gtest/gtest.h>

#include <array>

#include "vmm/base/bytes.h"

namespace husk {
namespace {

struct CountingSink : PowerSink {
    void Poweroff() override { ++poweroffs; }
    void Reset() override { ++resets; }
    int poweroffs = 0;
    int resets = 0;
};

struct CountingLine : IrqLine {
    void Pulse() override { ++pulses; }
    int pulses = 0;
};

constexpr std::uint64_t kSleepControl = 0;
constexpr std::uint64_t kSleepStatus = 1;
constexpr std::uint64_t kReset = 2;

constexpr std::uint8_t SleepControl(unsigned type, bool enable) {
    return static_cast<std::uint8_t>(type << 2 | (enable ? 0x20u : 0u));
}

void Out(BusDevice& device, std::uint64_t offset, std::uint8_t value) { device.Write(offset, BytesOf(value)); }

std::uint8_t In(BusDevice& device, std::uint64_t offset) {
    std::array<std::byte, 1> data{};
    device.Read(offset, data);
    return std::to_integer<std::uint8_t>(data[0]);
}

TEST(PowerControl, SoftOffWithSleepEnablePowersOff) {
    CountingSink sink;
    PowerControl power(sink);
    Out(power, kSleepStatus, 0x80);  // Linux clears WAK_STS first
    Out(power, kSleepControl, SleepControl(kSleepTypeS5, true));
    EXPECT_EQ(sink.poweroffs, 1);
    EXPECT_EQ(sink.resets, 0);
}

TEST(PowerControl, SleepTypeWithoutSleepEnableDoesNothing) {
    CountingSink sink;
    PowerControl power(sink);
    Out(power, kSleepControl, SleepControl(kSleepTypeS5, false));
    EXPECT_EQ(sink.poweroffs, 0);
}

TEST(PowerControl, OtherSleepTypesDoNothing) {
    CountingSink sink;
    PowerControl power(sink);
    for (const unsigned type : {0u, 1u, 2u, 3u, 4u, 6u, 7u}) Out(power, kSleepControl, SleepControl(type, true));
    EXPECT_EQ(sink.poweroffs, 0);
}

TEST(PowerControl, SleepRegistersReadZero) {
    CountingSink sink;
    PowerControl power(sink);
    Out(power, kSleepControl, SleepControl(3, true));
    EXPECT_EQ(In(power, kSleepControl), 0);
    EXPECT_EQ(In(power, kSleepStatus), 0);
}

TEST(PowerControl, ResetRegisterResetsOnItsValueOnly) {
    CountingSink sink;
    PowerControl power(sink);
    Out(power, kReset, address_map::kResetValue ^ 1);
    EXPECT_EQ(sink.resets, 0);
    Out(power, kReset, address_map::kResetValue);
    EXPECT_EQ(sink.resets, 1);
    EXPECT_EQ(sink.poweroffs, 0);
}

TEST(PowerControl, WideAccessesReadAllOnesAndWriteNowhere) {
    CountingSink sink;
    PowerControl power(sink);
    const std::uint32_t everything = 0x0042'0034;
    power.Write(kSleepControl, BytesOf(everything));
    std::array<std::byte, 4> read{};
    power.Read(kSleepControl, read);
    EXPECT_EQ(LoadLittleEndian(read), 0xffff'ffffu);
    EXPECT_EQ(sink.poweroffs + sink.resets, 0);
}

TEST(PowerControl, RegistersLieAtTheAnnouncedPorts) {
    EXPECT_EQ(PowerControl::kPort + kSleepControl, address_map::kSleepControlPort);
    EXPECT_EQ(PowerControl::kPort + kSleepStatus, address_map::kSleepStatusPort);
    EXPECT_EQ(PowerControl::kPort + kReset, address_map::kResetPort);
}

TEST(KeyboardReset, StatusSaysThatTheControllerAcceptsACommand) {
    CountingSink sink;
    KeyboardReset keyboard(sink);
    EXPECT_EQ(In(keyboard, 0), 0xfd);
}

TEST(KeyboardReset, PulsingTheResetLineResets) {
    CountingSink sink;
    KeyboardReset keyboard(sink);
    Out(keyboard, 0, 0xfe);
    EXPECT_EQ(sink.resets, 1);
    EXPECT_EQ(sink.poweroffs, 0);
}

TEST(KeyboardReset, OtherCommandsDoNothing) {
    CountingSink sink;
    KeyboardReset keyboard(sink);
    Out(keyboard, 0, 0xaa);  // self-test
    Out(keyboard, 0, 0xd1);  // A20
    const std::uint16_t wide = 0xfefe;
    keyboard.Write(0, BytesOf(wide));
    EXPECT_EQ(sink.resets, 0);
}

TEST(PowerButton, PressPulsesItsLineOnce) {
    CountingLine line;
    PowerButton(line).Press();
    EXPECT_EQ(line.pulses, 1);
}

}  // namespace
}  // namespace husk
