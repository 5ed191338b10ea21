// The registers of a 16550A, as offsets from its first port, and their bits (PC16550D data sheet, section 8).
#pragma once

#include <cstdint>

namespace husk {

enum class UartRegister : std::uint8_t {
    kData = 0,             // RBR when read, THR when written; divisor latch low while LCR.DLAB
    kInterruptEnable = 1,  // IER; divisor latch high while LCR.DLAB
    kInterruptId = 2,      // IIR when read, FCR when written
    kLineControl = 3,      // LCR
    kModemControl = 4,     // MCR
    kLineStatus = 5,       // LSR
    kModemStatus = 6,      // MSR
    kScratch = 7,          // SCR
};

namespace uart {

// IER: which conditions interrupt.
inline constexpr std::uint8_t kIerReceived = 0x01;
inline constexpr std::uint8_t kIerTransmitterEmpty = 0x02;
inline constexpr std::uint8_t kIerLineStatus = 0x04;
inline constexpr std::uint8_t kIerMask = 0x0f;

// IIR: the most urgent condition.
inline constexpr std::uint8_t kIirNone = 0x01;
inline constexpr std::uint8_t kIirTransmitterEmpty = 0x02;
inline constexpr std::uint8_t kIirReceived = 0x04;
inline constexpr std::uint8_t kIirLineStatus = 0x06;
inline constexpr std::uint8_t kIirReceiveTimeout = 0x0c;
inline constexpr std::uint8_t kIirFifosEnabled = 0xc0;

// FCR.
inline constexpr std::uint8_t kFcrEnable = 0x01;
inline constexpr std::uint8_t kFcrResetReceiver = 0x02;
inline constexpr std::uint8_t kFcrResetTransmitter = 0x04;
inline constexpr unsigned kFcrTriggerShift = 6;

// LCR. Bits 0 and 1 are the word length minus five.
inline constexpr std::uint8_t kLcrEightBits = 0x03;
inline constexpr std::uint8_t kLcrSevenOrEightBits = 0x02;
inline constexpr std::uint8_t kLcrDivisorLatch = 0x80;

// MCR.
inline constexpr std::uint8_t kMcrDataTerminalReady = 0x01;
inline constexpr std::uint8_t kMcrRequestToSend = 0x02;
inline constexpr std::uint8_t kMcrOut1 = 0x04;
inline constexpr std::uint8_t kMcrOut2 = 0x08;
inline constexpr std::uint8_t kMcrLoopback = 0x10;
inline constexpr std::uint8_t kMcrMask = 0x1f;

// LSR.
inline constexpr std::uint8_t kLsrDataReady = 0x01;
inline constexpr std::uint8_t kLsrOverrun = 0x02;
inline constexpr std::uint8_t kLsrHoldingEmpty = 0x20;      // THRE
inline constexpr std::uint8_t kLsrTransmitterEmpty = 0x40;  // TEMT

// MSR.
inline constexpr std::uint8_t kMsrClearToSend = 0x10;
inline constexpr std::uint8_t kMsrDataSetReady = 0x20;
inline constexpr std::uint8_t kMsrRingIndicator = 0x40;
inline constexpr std::uint8_t kMsrCarrierDetect = 0x80;

}  // namespace uart
}  // namespace husk
