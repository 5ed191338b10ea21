// What is typed: receiving, and that nothing typed early is lost.
#include <gtest/gtest.h>

#include <numeric>
#include <string>
#include <thread>

#include "tests/unit/uart_driver.h"

namespace husk {
namespace {

using namespace uart_testing;

// --- Receive ---

TEST(Uart, TypedBytesArriveInOrder) {
    Driver driver;
    driver.Open();
    driver.host.Type("root\nswordfish\nuname -a\n");
    EXPECT_EQ(driver.Drain(), "root\nswordfish\nuname -a\n");
    EXPECT_EQ(driver.uart.Received(), 24u);
    EXPECT_EQ(driver.Read(kLsr), kBothEmpty);
}

TEST(Uart, EmptyReceiverReadsZero) {
    Driver driver;
    driver.Open();
    EXPECT_EQ(driver.Read(kData), 0);
    EXPECT_EQ(driver.uart.Received(), 0u);
}

TEST(Uart, TypedByteInterrupts) {
    Driver driver;
    driver.Open();
    driver.Write(kIer, kIerReceived | kIerLineStatus);
    driver.host.Type("x");
    driver.uart.HostReady();
    EXPECT_EQ(driver.TakePulses(), 1);
    EXPECT_EQ(driver.Read(kIir), kIirFifosEnabled | kIirReceiveTimeout);
    EXPECT_EQ(driver.Drain(), "x");
    EXPECT_EQ(driver.Read(kIir), kIdle);
}

TEST(Uart, ReceivedInterruptIsDataAvailableFromTheTriggerLevelOn) {
    Driver driver;
    driver.Open();  // trigger: 8
    driver.Write(kIer, kIerReceived);
    driver.host.Type("12345678");
    EXPECT_EQ(driver.Read(kIir), kIirFifosEnabled | kIirReceived);
    driver.Read(kData);
    EXPECT_EQ(driver.Read(kIir), kIirFifosEnabled | kIirReceiveTimeout);
}

TEST(Uart, WithoutFifosThereIsNoReceiveTimeout) {
    Driver driver;
    driver.Write(kLcr, kLcrEightBits);
    driver.Write(kMcr, kOpenModem);
    driver.Write(kIer, kIerReceived);
    driver.host.Type("x");
    EXPECT_EQ(driver.Read(kIir), kIirReceived);
}

TEST(Uart, ReceivedConditionGoesBeforeThre) {
    Driver driver;
    driver.Open();
    driver.Write(kIer, kIerReceived | kIerTransmitterEmpty);
    driver.host.Type("x");
    driver.uart.HostReady();
    EXPECT_EQ(driver.Read(kIir), kIirFifosEnabled | kIirReceiveTimeout);
    driver.Drain();
    EXPECT_EQ(driver.Read(kIir), kIirFifosEnabled | kIirTransmitterEmpty);
}

TEST(Uart, OverrunIsTheMostUrgentConditionAndReadingLsrClearsIt) {
    Driver driver;
    driver.Write(kMcr, kMcrLoopback);
    driver.Write(kIer, 0x0f);
    driver.Send("ab");
    EXPECT_EQ(driver.Read(kIir), kIirLineStatus);
    driver.Read(kLsr);
    EXPECT_EQ(driver.Read(kIir), kIirReceived);
}

TEST(Uart, EveryRefillOfTheFifoIsAnEdgeOfItsOwn) {
    Driver driver;
    driver.Open();
    driver.Write(kIer, kIerReceived);
    driver.host.Type(std::string(40, 'x'));
    driver.uart.HostReady();
    driver.TakePulses();
    for (int i = 0; i < 16; ++i) driver.Read(kData);  // a handler that gives up here must be called again
    EXPECT_EQ(driver.TakePulses(), 1);
}

TEST(Uart, NewlyEnabledReceivedInterruptSeesWaitingBytes) {
    Driver driver;
    driver.Open();
    driver.host.Type("x");
    driver.uart.HostReady();
    EXPECT_EQ(driver.TakePulses(), 0);
    driver.Write(kIer, kIerReceived);
    EXPECT_EQ(driver.TakePulses(), 1);
}

// --- Typed early: nothing may be lost before somebody reads ---

TEST(Uart, TypedBytesStayWithTheHostUntilRtsIsSet) {
    Driver driver;
    driver.Write(kLcr, kLcrEightBits);
    driver.Write(kMcr, kMcrDataTerminalReady | kMcrOut2);
    driver.Write(kIer, kIerReceived);
    driver.host.Type("early");
    driver.uart.HostReady();
    EXPECT_EQ(driver.Read(kLsr), kBothEmpty);
    EXPECT_EQ(driver.host.Untouched(), "early");
    driver.Write(kMcr, kOpenModem);
    EXPECT_EQ(driver.TakePulses(), 1);
    EXPECT_EQ(driver.Drain(), "early");
}

TEST(Uart, LoweringRtsHidesBytesUntilItRisesAgain) {
    Driver driver;
    driver.Open();
    driver.Write(kIer, kIerReceived);
    driver.host.Type("ab");
    driver.uart.HostReady();
    driver.Write(kMcr, kMcrOut2);
    driver.TakePulses();
    EXPECT_EQ(driver.Read(kIir), kIdle);
    EXPECT_EQ(driver.Read(kData), 0);
    driver.Write(kMcr, kOpenModem);
    EXPECT_EQ(driver.TakePulses(), 1);
    EXPECT_EQ(driver.Drain(), "ab");
}

TEST(Uart, OpeningThePortAsLinuxDoesKeepsEarlyInput) {
    Driver driver;
    driver.host.Type("first line\n");
    driver.uart.HostReady();
    // serial8250_do_startup
    driver.ClearFifos();
    driver.ClearInterruptRegisters();
    driver.Write(kLcr, kLcrEightBits);
    driver.Write(kMcr, kMcrOut2);
    driver.Write(kIer, kIerTransmitterEmpty);
    driver.Read(kLsr);
    driver.Read(kIir);
    driver.Write(kIer, 0);
    driver.ClearInterruptRegisters();
    // set_termios, then DTR and RTS
    driver.Write(kIer, kIerReceived | kIerLineStatus);
    driver.Write(kFcr, kFcrEnable);
    driver.Write(kFcr, kFcrEnable | kFcrResetReceiver | kFcrResetTransmitter | 2u << kFcrTriggerShift);
    driver.Write(kMcr, kMcrOut2);
    driver.TakePulses();
    driver.Write(kMcr, kOpenModem);
    EXPECT_EQ(driver.TakePulses(), 1);
    EXPECT_EQ(driver.Drain(), "first line\n");
}

TEST(Uart, ProbingAfterAnEarlyConsoleKeepsEarlyInput) {
    Driver driver;
    // earlyprintk=ttyS0 leaves RTS set, and its output polls LSR
    driver.Write(kLcr, kLcrEightBits);
    driver.Write(kMcr, kMcrDataTerminalReady | kMcrRequestToSend);
    driver.host.Type("first line\n");
    driver.uart.HostReady();
    driver.Read(kLsr);
    // the end of autoconfig
    driver.ClearFifos();
    driver.Read(kData);
    driver.Write(kIer, 0);
    EXPECT_EQ(driver.Drain(), "first line\n");
}

TEST(Uart, SearchForTheInterruptKeepsEarlyInput) {
    Driver driver;
    driver.host.Type("first line\n");
    driver.Write(kMcr, kOpenModem);
    driver.Write(kIer, 0x0f);
    driver.ClearInterruptRegisters();
    driver.Write(kIer, 0);
    driver.Open();
    EXPECT_EQ(driver.Drain(), "first line\n");
}

TEST(Uart, LoopbackTestKeepsTypedBytesApart) {
    Driver driver;
    driver.Open();
    driver.host.Type("typed");
    driver.uart.HostReady();
    driver.Write(kMcr, kMcrLoopback);
    driver.Send("looped");
    EXPECT_EQ(driver.Drain(), "looped");
    driver.Write(kMcr, kOpenModem);
    EXPECT_EQ(driver.Drain(), "typed");
}

TEST(Uart, ChangingTerminalSettingsWithInputWaitingInterruptsAgain) {
    Driver driver;
    driver.Open();
    driver.Write(kIer, kIerReceived);
    driver.host.Type("ab");
    driver.uart.HostReady();
    driver.TakePulses();
    driver.Write(kFcr, kFcrEnable | kFcrResetReceiver | kFcrResetTransmitter);
    driver.Write(kMcr, kOpenModem);
    EXPECT_EQ(driver.TakePulses(), 1);
    EXPECT_EQ(driver.Drain(), "ab");
}

TEST(Uart, ResettingTheReceiverLastDoesNotSilenceLaterInput) {
    Driver driver;
    driver.Open();
    driver.Write(kIer, kIerReceived);
    driver.Write(kFcr, kFcrEnable | kFcrResetReceiver);
    driver.host.Type("x");
    driver.uart.HostReady();
    EXPECT_EQ(driver.TakePulses(), 1);
    EXPECT_EQ(driver.Drain(), "x");
}

// --- Threads ---

TEST(Uart, OutputAndInputFlowWhileTheHostRunsOnAnotherThread) {
    Driver driver;
    driver.host.SetCapacity(64);
    driver.Open();
    constexpr std::size_t kBytes = 4096;
    std::string seen;
    std::thread host([&driver, &seen] {
        while (seen.size() < kBytes) {
            driver.host.Type("k");
            seen += driver.host.ReadScreen();
            driver.uart.HostReady();
        }
    });
    std::string sent(kBytes, '\0');
    std::iota(sent.begin(), sent.end(), '\0');
    std::string read;
    for (std::size_t i = 0; i < kBytes; i += Uart8250::kFifoSize) {
        while ((driver.Read(kLsr) & kLsrHoldingEmpty) == 0) read += static_cast<char>(driver.Read(kData));
        driver.Send(sent.substr(i, Uart8250::kFifoSize));
    }
    host.join();
    EXPECT_EQ(seen, sent);
    EXPECT_EQ(driver.uart.Transmitted(), kBytes);
    EXPECT_EQ(driver.uart.Overruns(), 0u);
}

}  // namespace
}  // namespace husk
