// Uart8250: a 16550A serial port, as much of one as stock Linux kernels need for their first console.
//
// Not modelled: baud rates (the divisor is storage), parity, break and framing errors, changes of the modem
// lines.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>

#include "devices/platform/byte_fifo.h"
#include "devices/platform/serial_host.h"
#include "devices/platform/uart_registers.h"
#include "vmm/bus/device.h"
#include "vmm/bus/irq.h"

namespace husk {

// Transmit. A written byte goes to the host at once. THRE and TEMT are set only while the host has room for a
// whole FIFO, so a driver that fills the FIFO after having seen THRE once loses nothing; a byte written
// although the host has no room at all is dropped and counted.
//
// Receive. Typed bytes stay with the host until the driver listens: MCR.RTS set, words of 7 or 8 bits, no
// loopback. Linux resets the FIFO and reads the data register for good measure while it probes and opens the
// port; a byte received by then would be gone, and with it the start of a script piped into husk. Linux
// raises RTS only after all of that, so RTS is the flow control that keeps early input. For kernels with an
// early console, which raises RTS before the probing, two more rules: resetting the receiver drops no typed
// byte (they count as still on the wire), and straight after a reset the data register reads as empty. The
// word length is for Linux' search for an interrupt (8250 autoconfig_irq), which raises RTS for its
// experiment before anything set the line up.
//
// Interrupts. Conditions are levels, as on the chip; the line is edge-triggered, so it is pulsed whenever a
// condition rises. A handler that reads IIR until it says "none" (all do) misses nothing. MCR.OUT2 gates the
// line, and loopback disconnects it.
class Uart8250 final : public BusDevice {
 public:
    static constexpr std::size_t kFifoSize = 16;

    // Both must outlive the UART.
    Uart8250(SerialHost& host, IrqLine& irq) : host_(host), irq_(irq) {}

    // BusDevice: the eight ports. Only byte accesses mean something, as on an 8-bit bus.
    void Read(std::uint64_t offset, std::span<std::byte> data) override;
    void Write(std::uint64_t offset, std::span<const std::byte> data) override;

    // The host has room again, or a typed byte. Any thread; never blocks beyond the lock.
    void HostReady();

    // Bytes given to the host, bytes the guest read from it, bytes dropped for want of room. Any thread.
    [[nodiscard]] std::uint64_t Transmitted() const;
    [[nodiscard]] std::uint64_t Received() const;
    [[nodiscard]] std::uint64_t Overruns() const;

 private:
    // All of these are called with mutex_ held.
    [[nodiscard]] std::uint8_t ReadRegister(UartRegister reg);
    [[nodiscard]] std::uint8_t ReadData();
    [[nodiscard]] std::uint8_t ReadInterruptId();
    [[nodiscard]] std::uint8_t ReadLineStatus();
    [[nodiscard]] std::uint8_t ModemStatus() const;
    void WriteRegister(UartRegister reg, std::uint8_t value);
    void Transmit(std::uint8_t byte);
    void WriteInterruptEnable(std::uint8_t value);
    void WriteFifoControl(std::uint8_t value);
    void WriteModemControl(std::uint8_t value);

    [[nodiscard]] bool LatchesDivisor() const { return (lcr_ & uart::kLcrDivisorLatch) != 0; }
    [[nodiscard]] bool LoopsBack() const { return (mcr_ & uart::kMcrLoopback) != 0; }
    [[nodiscard]] bool Listens() const;
    [[nodiscard]] std::size_t Arrived() const;
    [[nodiscard]] std::uint8_t Conditions() const;

    void PollTransmitter();
    void PollTyped();
    void UpdateInterrupt();

    SerialHost& host_;
    IrqLine& irq_;
    mutable std::mutex mutex_;

    std::array<std::uint8_t, 2> divisor_{};
    std::uint8_t ier_ = 0;
    std::uint8_t lcr_ = 0;
    std::uint8_t mcr_ = 0;
    std::uint8_t scratch_ = 0;
    bool fifos_enabled_ = false;
    std::size_t receive_trigger_ = 1;

    ByteFifo<kFifoSize> typed_;   // from the host
    ByteFifo<kFifoSize> looped_;  // from our own transmitter, in loopback mode
    bool just_reset_ = false;     // the receiver, with nothing but FCR touched and nothing typed since
    bool overrun_error_ = false;  // LSR.OE; only loopback can overrun

    bool holding_empty_ = true;   // LSR.THRE as last seen
    bool empty_pending_ = false;  // the THRE interrupt: set when THRE rises or is enabled, cleared by IIR and THR
    std::uint8_t signalled_ = 0;  // the conditions (as IER bits) that were up at the last UpdateInterrupt

    std::uint64_t transmitted_ = 0;
    std::uint64_t received_ = 0;
    std::uint64_t overruns_ = 0;
};

}  // namespace husk
