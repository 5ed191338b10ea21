#include "devices/platform/ioapic.h"

#include <gtest/gtest.h>

#include <array>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "vmm/base/bytes.h"

namespace husk {
namespace {

constexpr std::uint32_t kMasked = 0x1'0000;
constexpr std::uint32_t kLogical = 0x800;
constexpr std::uint32_t kLevel = 0x8000;
constexpr std::uint32_t kActiveLow = 0x2000;

struct Call {
    Gsi gsi;
    std::optional<MsiMessage> message;  // none: Mask
    friend bool operator==(const Call&, const Call&) = default;
};

class RecordingRouter : public IrqRouter {
 public:
    void Unmask(Gsi gsi, const MsiMessage& message) override { calls.push_back({gsi, message}); }
    void Mask(Gsi gsi) override { calls.push_back({gsi, std::nullopt}); }
    std::vector<Call> calls;
};

// Speaks to the chip as Linux does: 32-bit accesses, the high half of an entry before the low one.
class Driver {
 public:
    explicit Driver(std::size_t pins = 8) : ioapic(pins, router) {}

    void Poke(std::uint64_t offset, std::uint32_t value) { ioapic.Write(offset, BytesOf(value)); }
    std::uint32_t Peek(std::uint64_t offset) {
        std::array<std::byte, 4> data{};
        ioapic.Read(offset, data);
        return static_cast<std::uint32_t>(LoadLittleEndian(data));
    }
    void Write(std::uint32_t index, std::uint32_t value) {
        Poke(0x00, index);
        Poke(0x10, value);
    }
    std::uint32_t Read(std::uint32_t index) {
        Poke(0x00, index);
        return Peek(0x10);
    }
    void WriteEntry(std::uint32_t pin, std::uint32_t low, std::uint32_t destination = 0) {
        Write(0x11 + 2 * pin, destination << 24);
        Write(0x10 + 2 * pin, low);
    }
    std::vector<Call> TakeCalls() { return std::exchange(router.calls, {}); }

    RecordingRouter router;
    Ioapic ioapic;
};

TEST(Ioapic, VersionRegisterTellsVersionAndNumberOfPins) {
    EXPECT_EQ(Driver(24).Read(0x01), 0x0017'0011u);
    EXPECT_EQ(Driver(1).Read(0x01), 0x0000'0011u);
}

TEST(Ioapic, IdIsWritableAndArbitrationFollowsIt) {
    Driver driver;
    driver.Write(0x00, 0xffff'ffff);
    EXPECT_EQ(driver.Read(0x00), 0x0f00'0000u);
    EXPECT_EQ(driver.Read(0x02), 0x0f00'0000u);
}

TEST(Ioapic, VersionIsReadOnly) {
    Driver driver;
    driver.Write(0x01, 0);
    EXPECT_EQ(driver.Read(0x01), 0x0007'0011u);
}

TEST(Ioapic, EveryPinStartsMaskedAndTheRouterHearsNothing) {
    Driver driver(2);
    EXPECT_EQ(driver.Read(0x10), kMasked);
    EXPECT_EQ(driver.Read(0x12), kMasked);
    EXPECT_TRUE(driver.TakeCalls().empty());
}

TEST(Ioapic, ReservedAndReadOnlyBitsOfAnEntryReadAsZero) {
    Driver driver;
    driver.Write(0x10, 0xffff'ffff);
    driver.Write(0x11, 0xffff'ffff);
    EXPECT_EQ(driver.Read(0x10), 0x0001'afffu);  // without delivery status (12) and remote IRR (14)
    EXPECT_EQ(driver.Read(0x11), 0xff00'0000u);
}

TEST(Ioapic, RegistersThatDoNotExistReadAllOnesAndIgnoreWrites) {
    Driver driver(2);
    driver.Write(0x03, 0);
    driver.Write(0x14, 0x31);
    driver.Write(0xff, 0x31);
    EXPECT_EQ(driver.Read(0x03), 0xffff'ffffu);
    EXPECT_EQ(driver.Read(0x14), 0xffff'ffffu);
    EXPECT_EQ(driver.Read(0xff), 0xffff'ffffu);
    EXPECT_TRUE(driver.TakeCalls().empty());
}

TEST(Ioapic, UnmaskingAnEntryRoutesItsMessage) {
    Driver driver;
    driver.WriteEntry(3, 0x31, 2);
    EXPECT_EQ(driver.TakeCalls(), (std::vector<Call>{{Gsi{3}, MsiMessage{0xfee0'2000, 0x31}}}));
}

TEST(Ioapic, DestinationHasAllEightBits) {
    Driver driver;
    driver.WriteEntry(1, 0x31, 0xfe);
    EXPECT_EQ(driver.TakeCalls(), (std::vector<Call>{{Gsi{1}, MsiMessage{0xfeef'e000, 0x31}}}));
}

TEST(Ioapic, LogicalDestinationAndLowestPriorityReachTheMessage) {
    Driver driver;
    driver.WriteEntry(1, kLogical | 0x100 | 0x42, 1);
    EXPECT_EQ(driver.TakeCalls(), (std::vector<Call>{{Gsi{1}, MsiMessage{0xfee0'1004, 0x142}}}));
}

TEST(Ioapic, LevelTriggeredEntryGetsTheSameEdgeMessage) {
    Driver driver;
    driver.WriteEntry(1, kLevel | kActiveLow | 0x31);
    EXPECT_EQ(driver.TakeCalls(), (std::vector<Call>{{Gsi{1}, MsiMessage{0xfee0'0000, 0x31}}}));
    EXPECT_EQ(driver.Read(0x12), kLevel | kActiveLow | 0x31);
}

TEST(Ioapic, SwitchingTriggerModeOfAnUnmaskedEntryDoesNotCallTheRouter) {
    Driver driver;
    driver.WriteEntry(1, 0x31);
    driver.TakeCalls();
    driver.WriteEntry(1, kLevel | 0x31);
    EXPECT_TRUE(driver.TakeCalls().empty());
}

TEST(Ioapic, OtherDeliveryModesDeliverNothing) {
    Driver driver;
    for (const std::uint32_t mode : {2u, 3u, 4u, 5u, 6u, 7u}) driver.WriteEntry(1, mode << 8 | 0x31);
    EXPECT_TRUE(driver.TakeCalls().empty());
}

TEST(Ioapic, SwitchingAnUnmaskedEntryToAnotherDeliveryModeMasksItsPin) {
    Driver driver;
    driver.WriteEntry(1, 0x31);
    driver.TakeCalls();
    driver.WriteEntry(1, 0x400 | 0x31);
    EXPECT_EQ(driver.TakeCalls(), (std::vector<Call>{{Gsi{1}, std::nullopt}}));
}

TEST(Ioapic, MaskedEntryRewrittenWhileMaskedDoesNotCallTheRouter) {
    Driver driver;
    driver.WriteEntry(1, kMasked | 0x31, 1);
    driver.WriteEntry(1, kMasked | 0x32, 2);
    EXPECT_TRUE(driver.TakeCalls().empty());
}

TEST(Ioapic, WritesThatChangeNothingDoNotCallTheRouter) {
    Driver driver;
    driver.WriteEntry(1, 0x31, 1);
    driver.TakeCalls();
    driver.WriteEntry(1, 0x31, 1);
    EXPECT_TRUE(driver.TakeCalls().empty());
}

TEST(Ioapic, ChangedDestinationOfAnUnmaskedEntryIsRoutedAnew) {
    Driver driver;
    driver.WriteEntry(1, 0x31, 1);
    driver.TakeCalls();
    driver.Write(0x13, 2u << 24);
    EXPECT_EQ(driver.TakeCalls(), (std::vector<Call>{{Gsi{1}, MsiMessage{0xfee0'2000, 0x31}}}));
}

TEST(Ioapic, MaskingAndUnmaskingEachCallTheRouterOnce) {
    Driver driver;
    driver.WriteEntry(1, 0x31);
    driver.TakeCalls();
    driver.Write(0x12, kMasked | 0x31);
    driver.Write(0x12, kMasked | 0x31);
    driver.Write(0x12, 0x31);
    EXPECT_EQ(driver.TakeCalls(), (std::vector<Call>{{Gsi{1}, std::nullopt}, {Gsi{1}, MsiMessage{0xfee0'0000, 0x31}}}));
}

TEST(Ioapic, SelectRegisterReadsBackItsLowByte) {
    Driver driver;
    driver.Poke(0x00, 0xabcd'1234);
    EXPECT_EQ(driver.Peek(0x00), 0x34u);
}

TEST(Ioapic, SelectRegisterTakesByteAccesses) {
    Driver driver;
    const std::array<std::byte, 1> index{std::byte{1}};
    driver.ioapic.Write(0x00, index);
    EXPECT_EQ(driver.Peek(0x10), 0x0007'0011u);
}

TEST(Ioapic, WindowReadsInPartAndIsWrittenOnlyAsAWhole) {
    Driver driver;
    driver.Write(0x10, kMasked | 0x31);
    std::array<std::byte, 2> half{};
    driver.ioapic.Read(0x10, half);
    EXPECT_EQ(LoadLittleEndian(half), 0x31u);
    driver.ioapic.Write(0x10, half);
    EXPECT_EQ(driver.Read(0x10), kMasked | 0x31);
}

TEST(Ioapic, OddOffsetsAndSizesReadAllOnesAndWriteNowhere) {
    Driver driver;
    driver.Poke(0x00, 0x10);
    EXPECT_EQ(driver.Peek(0x01), 0xffff'ffffu);
    EXPECT_EQ(driver.Peek(0x12), 0xffff'ffffu);
    EXPECT_EQ(driver.Peek(0x1f), 0xffff'ffffu);
    driver.Poke(0x11, 0);
    const std::uint64_t wide = 0x31;
    driver.ioapic.Write(0x10, BytesOf(wide));
    std::array<std::byte, 8> read{};
    driver.ioapic.Read(0x10, read);
    EXPECT_EQ(LoadLittleEndian(read), ~std::uint64_t{0});
    EXPECT_TRUE(driver.TakeCalls().empty());
}

TEST(Ioapic, PinsBeyondTheLimitAbort) {
    RecordingRouter router;
    EXPECT_DEATH(Ioapic(0, router), "");
    EXPECT_DEATH(Ioapic(25, router), "");
}

TEST(Ioapic, AccessesOnSeveralThreadsLeaveTheRouterConsistentWithTheTable) {
    Driver driver;
    const auto toggle = [&driver] {
        for (int i = 0; i < 1000; ++i) {
            driver.Poke(0x00, 0x12);
            driver.Poke(0x10, i % 2 == 0 ? 0x31 : kMasked | 0x31);
        }
    };
    std::thread other(toggle);
    toggle();
    other.join();
    const std::optional<MsiMessage> last = driver.router.calls.back().message;
    EXPECT_EQ(last.has_value(), (driver.Read(0x12) & kMasked) == 0);
}

}  // namespace
}  // namespace husk
