// Any sequence of register accesses and host events: bytes are conserved in both directions, the host is
// never pushed beyond its room, and a condition that IIR reports anew was announced by a pulse.
#include <array>
#include <cstdlib>
#include <optional>
#include <vector>

#include "devices/platform/uart8250.h"
#include "vmm/base/bytes.h"

namespace {

using namespace husk;

void Check(bool holds) {
    if (!holds) std::abort();
}

// Types 0, 1, 2, ... so that a lost or repeated byte shows.
class CheckingHost : public SerialHost {
 public:
    std::size_t Room() override { return room; }
    void Put(std::uint8_t byte) override {
        Check(room > 0);
        --room;
        screen.push_back(byte);
    }
    std::optional<std::uint8_t> Take() override {
        if (typed == taken) return std::nullopt;
        return static_cast<std::uint8_t>(taken++);
    }
    std::size_t room = 64;
    std::uint64_t typed = 0;
    std::uint64_t taken = 0;
    std::vector<std::uint8_t> screen;
};

struct CountingLine : IrqLine {
    void Pulse() override { ++pulses; }
    std::uint64_t pulses = 0;
};

// A driver that keeps to the rules as long as the input does, and knows what it is then owed.
class Session {
 public:
    void Write(UartRegister reg, std::uint8_t value) {
        const std::size_t before = host_.screen.size();
        uart_.Write(static_cast<std::uint64_t>(reg), BytesOf(value));
        if (reg == UartRegister::kModemControl) mcr_ = value;
        if (reg == UartRegister::kModemControl) idle_at_.reset();
        if (reg == UartRegister::kLineControl) lcr_ = value;
        const bool transmits =
            reg == UartRegister::kData && (lcr_ & uart::kLcrDivisorLatch) == 0 && (mcr_ & uart::kMcrLoopback) == 0;
        const std::size_t sent = host_.screen.size() - before;
        Check(sent <= (transmits ? 1u : 0u));
        if (!transmits) return;
        if (sent == 1) Check(host_.screen.back() == value);
        if (promised_ == 0) return;
        --promised_;
        Check(sent == 1);
    }

    void Read(UartRegister reg) {
        std::array<std::byte, 1> data{};
        const std::uint64_t before = uart_.Received();
        uart_.Read(static_cast<std::uint64_t>(reg), data);
        const auto value = std::to_integer<std::uint8_t>(data[0]);
        const std::uint64_t received = uart_.Received() - before;
        Check(received <= (reg == UartRegister::kData ? 1u : 0u));
        if (received == 1) Check(value == static_cast<std::uint8_t>(before));
        if (reg == UartRegister::kLineStatus) {
            Check((value & 0x9c) == 0);
            const bool loops = (mcr_ & uart::kMcrLoopback) != 0;
            if (!loops) promised_ = (value & uart::kLsrHoldingEmpty) != 0 ? Uart8250::kFifoSize : 0;
        }
        if (reg == UartRegister::kInterruptId) CheckInterruptId(value);
    }

    // Accesses that mean nothing.
    void Odd(std::uint64_t offset, std::size_t size, bool write) {
        std::array<std::byte, 10> buffer{};
        const auto data = std::span(buffer).subspan(1, size);
        const std::size_t before = host_.screen.size();
        if (write) {
            uart_.Write(offset, data);
        } else {
            uart_.Read(offset, data);
            for (const std::byte b : data) Check(b == std::byte{0xff});
        }
        Check(buffer[0] == std::byte{0} && buffer[9] == std::byte{0} && host_.screen.size() == before);
    }

    void Type(std::size_t n) { host_.typed += n; }
    void Drain(std::size_t n) { host_.room += n; }
    void Fill() {
        host_.room = 0;
        promised_ = 0;
    }
    void HostReady() { uart_.HostReady(); }

    void CheckTotals() {
        Check(uart_.Transmitted() == host_.screen.size());
        Check(uart_.Received() <= host_.taken && host_.taken - uart_.Received() <= Uart8250::kFifoSize);
    }

    // Whatever happened before, a driver that opens the port gets every typed byte that is left.
    void ReadTheRest() {
        Write(UartRegister::kLineControl, uart::kLcrEightBits);
        Write(UartRegister::kModemControl, uart::kMcrRequestToSend);
        for (std::uint64_t left = host_.typed - uart_.Received(); left > 0; --left) {
            Read(UartRegister::kLineStatus);
            Read(UartRegister::kData);
        }
        Check(uart_.Received() == host_.typed && host_.taken == host_.typed);
    }

 private:
    void CheckInterruptId(std::uint8_t value) {
        Check((value & 0x30) == 0);
        const bool connected = (mcr_ & (uart::kMcrOut2 | uart::kMcrLoopback)) == uart::kMcrOut2;
        const bool idle = (value & uart::kIirNone) != 0;
        if (!idle && connected && idle_at_) Check(line_.pulses > *idle_at_);
        idle_at_ = idle && connected ? std::optional(line_.pulses) : std::nullopt;
    }

    CheckingHost host_;
    CountingLine line_;
    Uart8250 uart_{host_, line_};
    std::uint8_t mcr_ = 0;
    std::uint8_t lcr_ = 0;
    std::size_t promised_ = 0;              // bytes the driver may write since it saw THRE
    std::optional<std::uint64_t> idle_at_;  // pulses counted when IIR last said "none", if the line was up since
};

}  // namespace

// Pairs of {kind:5 register:3, value}.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Session session;
    for (std::size_t at = 0; at + 2 <= size; at += 2) {
        const auto reg = static_cast<UartRegister>(data[at] & 7);
        const std::uint8_t value = data[at + 1];
        switch (data[at] >> 3 & 7) {
            case 0:
            case 1:
                session.Read(reg);
                break;
            case 2:
            case 3:
                session.Write(reg, value);
                break;
            case 4:
                session.Type(value % 40u);
                session.HostReady();
                break;
            case 5:
                session.Drain(value % 40u);
                session.HostReady();
                break;
            case 6:
                session.Odd(data[at] & 7, std::size_t{2} << value % 3, (value & 0x80) != 0);
                break;
            default:
                session.Fill();
                break;
        }
        session.CheckTotals();
    }
    session.ReadTheRest();
    return 0;
}
