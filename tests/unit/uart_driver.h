// The UART's two neighbours in tests: a host that types and reads the screen, and a driver that speaks as Linux' 8250.
#pragma once

#include <array>
#include <atomic>
#include <mutex>
#include <string>
#include <utility>

#include "devices/platform/uart8250.h"
#include "vmm/base/bytes.h"

namespace husk::uart_testing {

using namespace uart;

inline constexpr auto kData = UartRegister::kData;
inline constexpr auto kIer = UartRegister::kInterruptEnable;
inline constexpr auto kIir = UartRegister::kInterruptId;
inline constexpr auto kFcr = UartRegister::kInterruptId;
inline constexpr auto kLcr = UartRegister::kLineControl;
inline constexpr auto kMcr = UartRegister::kModemControl;
inline constexpr auto kLsr = UartRegister::kLineStatus;
inline constexpr auto kMsr = UartRegister::kModemStatus;
inline constexpr auto kScr = UartRegister::kScratch;

inline constexpr std::uint8_t kIdle = kIirFifosEnabled | kIirNone;
inline constexpr std::uint8_t kBothEmpty = kLsrHoldingEmpty | kLsrTransmitterEmpty;
inline constexpr std::uint8_t kOpenModem = kMcrDataTerminalReady | kMcrRequestToSend | kMcrOut2;

class Host final : public SerialHost {
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

struct CountingLine final : IrqLine {
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

}  // namespace husk::uart_testing
