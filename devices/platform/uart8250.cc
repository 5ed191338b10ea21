#include "devices/platform/uart8250.h"

#include "vmm/base/bytes.h"
#include "vmm/memory/address_map.h"

namespace husk {

using namespace uart;

namespace {

constexpr std::array<std::size_t, 4> kReceiveTriggers{1, 4, 8, 14};

}  // namespace

void Uart8250::Read(std::uint64_t offset, std::span<std::byte> data) {
    if (data.size() != 1 || offset >= address_map::kUartPorts) return FillOnes(data);
    const std::scoped_lock lock(mutex_);
    data[0] = std::byte{ReadRegister(static_cast<UartRegister>(offset))};
    UpdateInterrupt();
}

void Uart8250::Write(std::uint64_t offset, std::span<const std::byte> data) {
    if (data.size() != 1 || offset >= address_map::kUartPorts) return;
    const std::scoped_lock lock(mutex_);
    WriteRegister(static_cast<UartRegister>(offset), std::to_integer<std::uint8_t>(data[0]));
    PollTyped();
    UpdateInterrupt();
}

void Uart8250::HostReady() {
    const std::scoped_lock lock(mutex_);
    just_reset_ = false;
    PollTransmitter();
    PollTyped();
    UpdateInterrupt();
}

std::uint64_t Uart8250::Transmitted() const {
    const std::scoped_lock lock(mutex_);
    return transmitted_;
}

std::uint64_t Uart8250::Received() const {
    const std::scoped_lock lock(mutex_);
    return received_;
}

std::uint64_t Uart8250::Overruns() const {
    const std::scoped_lock lock(mutex_);
    return overruns_;
}

std::uint8_t Uart8250::ReadRegister(UartRegister reg) {
    if (reg != UartRegister::kData) just_reset_ = false;
    switch (reg) {
        case UartRegister::kData:
            return LatchesDivisor() ? divisor_[0] : ReadData();
        case UartRegister::kInterruptEnable:
            return LatchesDivisor() ? divisor_[1] : ier_;
        case UartRegister::kInterruptId:
            return ReadInterruptId();
        case UartRegister::kLineControl:
            return lcr_;
        case UartRegister::kModemControl:
            return mcr_;
        case UartRegister::kLineStatus:
            return ReadLineStatus();
        case UartRegister::kModemStatus:
            return ModemStatus();
        case UartRegister::kScratch:
            return scratch_;
    }
    return 0xff;
}

// Never fetches from the host before it reads: only bytes that LSR, IIR or an interrupt could have announced
// are handed out. When the FIFO runs empty the received condition falls before the refill raises it again, so
// that there is an edge for every 16 bytes even if a handler gives up before the host's supply ends.
std::uint8_t Uart8250::ReadData() {
    const bool empty = Arrived() == 0;
    just_reset_ = false;
    if (empty) return 0;
    if (LoopsBack()) return looped_.Pop();
    const std::uint8_t byte = typed_.Pop();
    ++received_;
    if (typed_.Empty()) {
        UpdateInterrupt();
        PollTyped();
    }
    return byte;
}

// In order of urgency (table II). Reading it takes back the THRE condition, if that is the one reported.
std::uint8_t Uart8250::ReadInterruptId() {
    PollTransmitter();
    PollTyped();
    const std::uint8_t fifos = fifos_enabled_ ? kIirFifosEnabled : std::uint8_t{0};
    const std::uint8_t conditions = Conditions();
    if ((conditions & kIerLineStatus) != 0) return fifos | kIirLineStatus;
    if ((conditions & kIerReceived) != 0) {
        // Below the trigger level a real chip waits four characters' time for more: that has always passed here.
        return fifos | (fifos_enabled_ && Arrived() < receive_trigger_ ? kIirReceiveTimeout : kIirReceived);
    }
    if ((conditions & kIerTransmitterEmpty) != 0) {
        empty_pending_ = false;
        return fifos | kIirTransmitterEmpty;
    }
    return fifos | kIirNone;
}

std::uint8_t Uart8250::ReadLineStatus() {
    PollTransmitter();
    PollTyped();
    std::uint8_t status = 0;
    if (Arrived() != 0) status |= kLsrDataReady;
    if (overrun_error_) status |= kLsrOverrun;
    if (holding_empty_) status |= kLsrHoldingEmpty | kLsrTransmitterEmpty;
    overrun_error_ = false;
    return status;
}

// Someone is always there to talk to; in loopback mode the chip's own outputs come back (section 8.7).
std::uint8_t Uart8250::ModemStatus() const {
    if (!LoopsBack()) return kMsrClearToSend | kMsrDataSetReady | kMsrCarrierDetect;
    std::uint8_t status = 0;
    if ((mcr_ & kMcrRequestToSend) != 0) status |= kMsrClearToSend;
    if ((mcr_ & kMcrDataTerminalReady) != 0) status |= kMsrDataSetReady;
    if ((mcr_ & kMcrOut1) != 0) status |= kMsrRingIndicator;
    if ((mcr_ & kMcrOut2) != 0) status |= kMsrCarrierDetect;
    return status;
}

void Uart8250::WriteRegister(UartRegister reg, std::uint8_t value) {
    if (reg != UartRegister::kInterruptId) just_reset_ = false;
    switch (reg) {
        case UartRegister::kData:
            if (LatchesDivisor()) {
                divisor_[0] = value;
            } else {
                Transmit(value);
            }
            return;
        case UartRegister::kInterruptEnable:
            if (LatchesDivisor()) {
                divisor_[1] = value;
            } else {
                WriteInterruptEnable(value);
            }
            return;
        case UartRegister::kInterruptId:
            return WriteFifoControl(value);
        case UartRegister::kLineControl:
            lcr_ = value;
            return;
        case UartRegister::kModemControl:
            return WriteModemControl(value);
        case UartRegister::kScratch:
            scratch_ = value;
            return;
        case UartRegister::kLineStatus:
        case UartRegister::kModemStatus:
            return;  // for the factory's tests only
    }
}

void Uart8250::Transmit(std::uint8_t byte) {
    if (LoopsBack()) {
        const std::size_t capacity = fifos_enabled_ ? kFifoSize : 1;
        if (looped_.Size() < capacity) {
            looped_.Push(byte);
        } else {
            overrun_error_ = true;
        }
    } else if (host_.Room() > 0) {
        host_.Put(byte);
        ++transmitted_;
    } else {
        ++overruns_;
    }
    // The holding register was full for an instant; PollTransmitter finds it empty again.
    empty_pending_ = false;
    holding_empty_ = false;
    PollTransmitter();
}

// Enabling the THRE interrupt while the holding register is empty raises it: how drivers start to transmit,
// and how Linux checks that it can.
void Uart8250::WriteInterruptEnable(std::uint8_t value) {
    PollTransmitter();
    const bool newly_enabled = (value & ~ier_ & kIerTransmitterEmpty) != 0;
    ier_ = value & kIerMask;
    if (newly_enabled) empty_pending_ = holding_empty_;
}

// The transmitter holds nothing that could be reset. Bit 0 must be set for the others to count, and changing
// it resets both FIFOs. For typed bytes see the class.
void Uart8250::WriteFifoControl(std::uint8_t value) {
    const bool enable = (value & kFcrEnable) != 0;
    if (enable != fifos_enabled_ || (enable && (value & kFcrResetReceiver) != 0)) {
        looped_.Clear();
        just_reset_ = true;
    }
    fifos_enabled_ = enable;
    if (enable) receive_trigger_ = kReceiveTriggers[value >> kFcrTriggerShift];
}

void Uart8250::WriteModemControl(std::uint8_t value) {
    mcr_ = value & kMcrMask;
    if (!LoopsBack()) looped_.Clear();
    PollTransmitter();
}

bool Uart8250::Listens() const {
    return !LoopsBack() && (mcr_ & kMcrRequestToSend) != 0 && (lcr_ & kLcrSevenOrEightBits) != 0;
}

// How many bytes the driver can read now.
std::size_t Uart8250::Arrived() const {
    if (LoopsBack()) return looped_.Size();
    return Listens() && !just_reset_ ? typed_.Size() : 0;
}

// The enabled conditions that are up, as IER's bits.
std::uint8_t Uart8250::Conditions() const {
    std::uint8_t conditions = 0;
    if (Arrived() != 0) conditions |= kIerReceived;
    if (empty_pending_) conditions |= kIerTransmitterEmpty;
    if (overrun_error_) conditions |= kIerLineStatus;
    return conditions & ier_;
}

void Uart8250::PollTransmitter() {
    const bool empty = LoopsBack() || host_.Room() >= kFifoSize;
    if (empty && !holding_empty_) empty_pending_ = true;
    holding_empty_ = empty;
}

// Only into an empty FIFO: see ReadData.
void Uart8250::PollTyped() {
    if (!typed_.Empty() || !Listens()) return;
    while (!typed_.Full()) {
        const std::optional<std::uint8_t> byte = host_.Take();
        if (!byte) return;
        typed_.Push(*byte);
    }
}

void Uart8250::UpdateInterrupt() {
    const bool connected = !LoopsBack() && (mcr_ & kMcrOut2) != 0;
    const std::uint8_t conditions = connected ? Conditions() : std::uint8_t{0};
    if ((conditions & ~signalled_) != 0) irq_.Pulse();
    signalled_ = conditions;
}

}  // namespace husk
