#include <gtest/gtest.h>

#include <array>
#include <string>

#include "tests/unit/uart_driver.h"

namespace husk {
namespace {

using namespace uart_testing;

// --- Detection, in the order of Linux' autoconfig ---

TEST(Uart, InterruptEnableKeepsItsFourBitsOnly) {
    Driver driver;
    EXPECT_EQ(driver.Read(kIer), 0);
    driver.Write(kIer, 0xff);
    EXPECT_EQ(driver.Read(kIer), 0x0f);  // bit 6 would make it an XScale UART
}

TEST(Uart, LoopbackMapsModemControlToModemStatus) {
    Driver driver;
    driver.Write(kMcr, kMcrLoopback | kMcrRequestToSend | kMcrOut2);
    EXPECT_EQ(driver.Read(kMsr), 0x90);
    driver.Write(kMcr, kMcrLoopback | kMcrDataTerminalReady | kMcrOut1);
    EXPECT_EQ(driver.Read(kMsr), 0x60);
    driver.Write(kMcr, 0);
    EXPECT_EQ(driver.Read(kMsr), kMsrClearToSend | kMsrDataSetReady | kMsrCarrierDetect);
}

TEST(Uart, FifoBitsOfIirFollowFifoEnable) {
    Driver driver;
    EXPECT_EQ(driver.Read(kIir), kIirNone);
    driver.Write(kFcr, kFcrEnable);
    EXPECT_EQ(driver.Read(kIir), kIdle);
    driver.Write(kFcr, 0);
    EXPECT_EQ(driver.Read(kIir), kIirNone);
}

TEST(Uart, IirLooksLikeNeither16650Nor16750) {
    Driver driver;
    driver.Write(kFcr, kFcrEnable);
    driver.Write(kLcr, kLcrDivisorLatch);
    EXPECT_EQ(driver.Read(kIir), kIdle);  // an EFR would read 0 here
    driver.Write(kLcr, 0xbf);
    EXPECT_EQ(driver.Read(kIir), kIdle);  // and here
    driver.Write(kLcr, kLcrDivisorLatch);
    driver.Write(kFcr, kFcrEnable | 0x20);
    EXPECT_EQ(driver.Read(kIir), kIdle);  // a 64-byte FIFO would set bit 5
}

TEST(Uart, LoopbackFifoHoldsSixteenBytesAndThenOverruns) {
    Driver driver;
    driver.Write(kFcr, kFcrEnable | kFcrResetReceiver | kFcrResetTransmitter);
    driver.Write(kMcr, kMcrLoopback);
    for (unsigned i = 0; i < 256; ++i) driver.Write(kData, static_cast<std::uint8_t>(i));
    EXPECT_EQ(driver.Read(kLsr), kBothEmpty | kLsrDataReady | kLsrOverrun);
    EXPECT_EQ(driver.Read(kLsr), kBothEmpty | kLsrDataReady);
    EXPECT_EQ(driver.Drain().size(), 16u);
    EXPECT_EQ(driver.host.ReadScreen(), "");
}

TEST(Uart, LoopbackBytesComeBackInOrder) {
    Driver driver;
    driver.Write(kFcr, kFcrEnable);
    driver.Write(kMcr, kMcrLoopback);
    driver.Send("husk");
    EXPECT_EQ(driver.Drain(), "husk");
}

TEST(Uart, LeavingLoopbackForgetsItsBytes) {
    Driver driver;
    driver.Write(kMcr, kMcrLoopback);
    driver.Send("x");
    driver.Write(kMcr, 0);
    EXPECT_EQ(driver.Read(kLsr), kBothEmpty);
    driver.Write(kMcr, kMcrLoopback);
    EXPECT_EQ(driver.Read(kLsr), kBothEmpty);
}

TEST(Uart, WithoutFifosLoopbackHoldsOneByte) {
    Driver driver;
    driver.Write(kMcr, kMcrLoopback);
    driver.Send("ab");
    EXPECT_EQ(driver.Read(kLsr), kBothEmpty | kLsrDataReady | kLsrOverrun);
    EXPECT_EQ(driver.Drain(), "a");
}

TEST(Uart, DivisorLatchIsStorageOfItsOwn) {
    Driver driver;
    driver.Write(kIer, 0x05);
    driver.Write(kLcr, kLcrDivisorLatch);
    driver.Write(kData, 0x34);
    driver.Write(kIer, 0x12);
    EXPECT_EQ(driver.Read(kData), 0x34);
    EXPECT_EQ(driver.Read(kIer), 0x12);
    driver.Write(kLcr, kLcrEightBits);
    EXPECT_EQ(driver.Read(kIer), 0x05);
    EXPECT_EQ(driver.host.ReadScreen(), "");
}

TEST(Uart, ScratchLineControlAndModemControlReadBack) {
    Driver driver;
    driver.Write(kScr, 0xa5);
    driver.Write(kLcr, 0x1b);
    driver.Write(kMcr, 0xff);
    EXPECT_EQ(driver.Read(kScr), 0xa5);
    EXPECT_EQ(driver.Read(kLcr), 0x1b);
    EXPECT_EQ(driver.Read(kMcr), 0x1f);
}

TEST(Uart, StatusRegistersIgnoreWrites) {
    Driver driver;
    driver.Write(kLsr, 0);
    driver.Write(kMsr, 0);
    EXPECT_EQ(driver.Read(kLsr), kBothEmpty);
    EXPECT_EQ(driver.Read(kMsr), 0xb0);
}

TEST(Uart, WideAccessesReadAllOnesAndWriteNowhere) {
    Driver driver;
    const std::uint16_t wide = 0x4141;
    driver.uart.Write(0, BytesOf(wide));
    std::array<std::byte, 2> read{};
    driver.uart.Read(0, read);
    EXPECT_EQ(LoadLittleEndian(read), 0xffffu);
    EXPECT_EQ(driver.host.ReadScreen(), "");
}

// --- Transmit ---

TEST(Uart, WrittenBytesReachTheHostInOrder) {
    Driver driver;
    driver.Open();
    driver.Send("login: ");
    EXPECT_EQ(driver.host.ReadScreen(), "login: ");
    EXPECT_EQ(driver.uart.Transmitted(), 7u);
    EXPECT_EQ(driver.uart.Overruns(), 0u);
}

TEST(Uart, TransmitterIsEmptyOnlyWhileTheHostHasRoomForAFifo) {
    Driver driver;
    driver.host.SetCapacity(16);
    EXPECT_EQ(driver.Read(kLsr), kBothEmpty);
    driver.Send("a");
    EXPECT_EQ(driver.Read(kLsr), 0);
    driver.host.ReadScreen();
    EXPECT_EQ(driver.Read(kLsr), kBothEmpty);
}

TEST(Uart, FifoFilledAfterOneLookAtThreLosesNothing) {
    Driver driver;
    driver.host.SetCapacity(16);
    ASSERT_EQ(driver.Read(kLsr), kBothEmpty);
    driver.Send("0123456789abcdef");
    EXPECT_EQ(driver.host.ReadScreen(), "0123456789abcdef");
    EXPECT_EQ(driver.uart.Overruns(), 0u);
}

TEST(Uart, BytesWrittenWhenTheHostIsFullAreDroppedAndCounted) {
    Driver driver;
    driver.host.SetCapacity(2);
    driver.Send("abcde");
    EXPECT_EQ(driver.host.ReadScreen(), "ab");
    EXPECT_EQ(driver.uart.Transmitted(), 2u);
    EXPECT_EQ(driver.uart.Overruns(), 3u);
}

// --- The THRE interrupt ---

TEST(Uart, ThreInterruptIsRaisedWhenEnabledWhileEmpty) {
    Driver driver;
    driver.Open();
    driver.Write(kIer, kIerTransmitterEmpty);
    EXPECT_EQ(driver.TakePulses(), 1);
    EXPECT_EQ(driver.Read(kIir), kIirFifosEnabled | kIirTransmitterEmpty);
}

TEST(Uart, ReadingIirClearsTheThreInterrupt) {
    Driver driver;
    driver.Open();
    driver.Write(kIer, kIerTransmitterEmpty);
    driver.Read(kIir);
    EXPECT_EQ(driver.Read(kIir), kIdle);
}

TEST(Uart, ThreInterruptIsReassertedByEnablingItAgain) {
    Driver driver;  // Linux' test for UARTs that do not, in serial8250_do_startup
    driver.Write(kIer, kIerTransmitterEmpty);
    EXPECT_EQ(driver.Read(kIir), kIirTransmitterEmpty);
    driver.Write(kIer, 0);
    EXPECT_EQ(driver.Read(kIir), kIirNone);
    driver.Write(kIer, kIerTransmitterEmpty);
    EXPECT_EQ(driver.Read(kIir), kIirTransmitterEmpty);
}

TEST(Uart, ThreInterruptFollowsEachFillOfTheFifoWithOnePulse) {
    Driver driver;
    driver.Open();
    driver.Write(kIer, kIerTransmitterEmpty);
    driver.Read(kIir);
    driver.TakePulses();
    driver.Send("0123456789abcdef");
    EXPECT_EQ(driver.TakePulses(), 1);
    EXPECT_EQ(driver.Read(kIir), kIirFifosEnabled | kIirTransmitterEmpty);
}

TEST(Uart, ThreInterruptWaitsUntilTheHostHasRoomAgain) {
    Driver driver;
    driver.host.SetCapacity(16);
    driver.Open();
    driver.Write(kIer, kIerTransmitterEmpty);
    driver.Read(kIir);
    driver.Send("0123456789abcdef");
    driver.TakePulses();
    driver.uart.HostReady();
    EXPECT_EQ(driver.TakePulses(), 0);
    driver.host.ReadScreen();
    driver.uart.HostReady();
    EXPECT_EQ(driver.TakePulses(), 1);
    EXPECT_EQ(driver.Read(kIir), kIirFifosEnabled | kIirTransmitterEmpty);
}

TEST(Uart, ThreInterruptEnabledWhileTheHostIsFullComesLater) {
    Driver driver;
    driver.host.SetCapacity(4);
    driver.Open();
    driver.Write(kIer, kIerTransmitterEmpty);
    EXPECT_EQ(driver.TakePulses(), 0);
    EXPECT_EQ(driver.Read(kIir), kIdle);
    driver.host.SetCapacity(64);
    driver.uart.HostReady();
    EXPECT_EQ(driver.TakePulses(), 1);
}

TEST(Uart, HostReadyWithoutNewsDoesNotInterrupt) {
    Driver driver;
    driver.Open();
    driver.Write(kIer, 0x0f);
    driver.Read(kIir);
    driver.TakePulses();
    driver.uart.HostReady();
    driver.uart.HostReady();
    EXPECT_EQ(driver.TakePulses(), 0);
}

TEST(Uart, Out2GatesTheLine) {
    Driver driver;
    driver.Write(kIer, kIerTransmitterEmpty);
    EXPECT_EQ(driver.TakePulses(), 0);
    driver.Write(kMcr, kMcrOut2);
    EXPECT_EQ(driver.TakePulses(), 1);
}

TEST(Uart, LoopbackDisconnectsTheLine) {
    Driver driver;
    driver.Write(kMcr, kMcrOut2 | kMcrLoopback);
    driver.Write(kIer, kIerTransmitterEmpty);
    EXPECT_EQ(driver.TakePulses(), 0);
    EXPECT_EQ(driver.Read(kIir), kIirTransmitterEmpty);
}

TEST(Uart, SearchForTheInterruptFindsItsPulse) {
    Driver driver;  // autoconfig_irq
    driver.Write(kMcr, kMcrOut1 | kMcrOut2);
    driver.Write(kMcr, 0);
    driver.Write(kMcr, kOpenModem);
    driver.TakePulses();
    driver.Write(kIer, 0x0f);
    driver.ClearInterruptRegisters();
    driver.Write(kData, 0xff);
    EXPECT_GE(driver.TakePulses(), 1);
}

}  // namespace
}  // namespace husk
