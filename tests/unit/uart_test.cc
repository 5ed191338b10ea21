#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <mutex>
#include <numeric>
#include <string>
#include <thread>
#include <utility>

#include "devices/platform/uart8250.h"
#include "vmm/base/bytes.h"

namespace husk {
namespace {

using namespace uart;

constexpr auto kData = UartRegister::kData;
constexpr auto kIer = UartRegister::kInterruptEnable;
constexpr auto kIir = UartRegister::kInterruptId;
constexpr auto kFcr = UartRegister::kInterruptId;
constexpr auto kLcr = UartRegister::kLineControl;
constexpr auto kMcr = UartRegister::kModemControl;
constexpr auto kLsr = UartRegister::kLineStatus;
constexpr auto kMsr = UartRegister::kModemStatus;
constexpr auto kScr = UartRegister::kScratch;

constexpr std::uint8_t kIdle = kIirFifosEnabled | kIirNone;
constexpr std::uint8_t kBothEmpty = kLsrHoldingEmpty | kLsrTransmitterEmpty;
constexpr std::uint8_t kOpenModem = kMcrDataTerminalReady | kMcrRequestToSend | kMcrOut2;

class Host : public SerialHost {
 private:
    template <typename F>
    auto Locked(F&& f) {
        const std::scoped_lock lock(mutex_);
        return f();
    }

 public:
    std::size_t Room() override {
        return Locked([this] { return capacity_ - screen_.size(); });
    }
    void Put(std::uint8_t byte) override {
        Locked([this, byte] { screen_ += static_cast<char>(byte); });
    }
    std::optional<std::uint8_t> Take() override {
        return Locked([this]() -> std::optional<std::uint8_t> {
            if (typed_.empty()) return std::nullopt;
            const auto byte = static_cast<std::uint8_t>(typed_.front());
            typed_.erase(0, 1);
            return byte;
        });
    }

    void Type(const std::string& text) {
        Locked([&] { typed_ += text; });
    }
    // How many bytes the guest may send until somebody reads the screen.
    void SetCapacity(std::size_t capacity) {
        Locked([&] { capacity_ = capacity; });
    }
    std::string ReadScreen() {
        return Locked([this] { return std::exchange(screen_, {}); });
    }
    std::string Untouched() {
        return Locked([this] { return typed_; });
    }

 private:
    std::mutex mutex_;
    std::size_t capacity_ = 1 << 20;
    std::string screen_;
    std::string typed_;
};

struct CountingLine : IrqLine {
    void Pulse() override { ++pulses; }
    std::atomic<int> pulses = 0;
};

// Speaks to the UART as Linux' 8250 driver does.
class Driver {
 public:
    void Write(UartRegister reg, std::uint8_t value) { uart.Write(static_cast<std::uint64_t>(reg), BytesOf(value)); }
    std::uint8_t Read(UartRegister reg) {
        std::array<std::byte, 1> data{};
        uart.Read(static_cast<std::uint64_t>(reg), data);
        return std::to_integer<std::uint8_t>(data[0]);
    }
    void Send(const std::string& text) {
        for (const char c : text) Write(kData, static_cast<std::uint8_t>(c));
    }
    // Reads as long as LSR says there is something.
    std::string Drain() {
        std::string text;
        while ((Read(kLsr) & kLsrDataReady) != 0) text += static_cast<char>(Read(kData));
        return text;
    }
    void ClearFifos() {
        Write(kFcr, kFcrEnable);
        Write(kFcr, kFcrEnable | kFcrResetReceiver | kFcrResetTransmitter);
        Write(kFcr, 0);
    }
    void ClearInterruptRegisters() {
        Read(kLsr);
        Read(kData);
        Read(kIir);
        Read(kMsr);
    }
    // What opening the port leaves behind: 8n1, FIFOs with a trigger of 8, all modem lines.
    void Open() {
        Write(kLcr, kLcrEightBits);
        Write(kFcr, kFcrEnable | 2u << kFcrTriggerShift);
        Write(kMcr, kOpenModem);
    }
    int TakePulses() { return line.pulses.exchange(0); }

    Host host;
    CountingLine line;
    Uart8250 uart{host, line};
};

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
