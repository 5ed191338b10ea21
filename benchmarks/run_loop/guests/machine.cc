#include "machine.h"

extern "C" {
extern volatile std::uint64_t interrupt_count;  // entry.S
extern std::uint64_t interrupt_table[];
void interrupt_entry();
}

namespace guest {
namespace {

constexpr std::uint64_t kLocalApicSpuriousVector = 0xfee0'00f0;
constexpr std::uint32_t kLocalApicEnabled = 0x100;
constexpr std::uint32_t kSpuriousVector = 0xff;

constexpr std::uint64_t kIoapicSelect = 0xfec0'0000;
constexpr std::uint64_t kIoapicWindow = 0xfec0'0010;
constexpr std::uint32_t kIoapicFirstEntry = 0x10;

constexpr std::uint16_t kSleepControlPort = 0x600;
constexpr std::uint8_t kSoftOff = 0x34;

}  // namespace

void EnableInterrupts() {
    constexpr std::uint64_t kKernelCode = 0x10;
    constexpr std::uint64_t kInterruptGate = 0x8e;
    const auto handler = reinterpret_cast<std::uint64_t>(&interrupt_entry);
    interrupt_table[std::uint64_t{kVector} * 2] =
        (handler & 0xffff) | (kKernelCode << 16) | (kInterruptGate << 40) | ((handler & 0xffff'0000) << 32);
    Store32(kLocalApicSpuriousVector, kLocalApicEnabled | kSpuriousVector);
}

void ConnectPin(std::uint32_t pin) {
    Store32(kIoapicSelect, kIoapicFirstEntry + 2 * pin + 1);
    Store32(kIoapicWindow, 0);  // to the local APIC 0
    Store32(kIoapicSelect, kIoapicFirstEntry + 2 * pin);
    Store32(kIoapicWindow, kVector);  // fixed, edge, unmasked
}

std::uint64_t Interrupts() { return interrupt_count; }

void PowerOff() {
    Out8(kSleepControlPort, kSoftOff);
    asm volatile("ud2");  // nobody handles it
    __builtin_unreachable();
}

}  // namespace guest
