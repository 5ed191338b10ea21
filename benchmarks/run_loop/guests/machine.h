// The guest's own instructions with names: ports, registers in memory, the clock, and the one interrupt.
#pragma once

#include <cstdint>

namespace guest {

inline std::uint8_t In8(std::uint16_t port) {
    std::uint8_t value;
    asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port) : "memory");
    return value;
}
inline void Out8(std::uint16_t port, std::uint8_t value) {
    asm volatile("outb %0, %1" : : "a"(value), "Nd"(port) : "memory");
}
inline std::uint32_t Load32(std::uint64_t address) {
    std::uint32_t value;
    asm volatile("movl (%1), %0" : "=r"(value) : "r"(address) : "memory");
    return value;
}
inline void Store32(std::uint64_t address, std::uint32_t value) {
    asm volatile("movl %0, (%1)" : : "r"(value), "r"(address) : "memory");
}

// The time stamp counter, once everything before has ended. In the lab it counts instructions.
inline std::uint64_t Now() {
    std::uint32_t low;
    std::uint32_t high;
    asm volatile("lfence\n\trdtsc\n\tlfence" : "=a"(low), "=d"(high) : : "memory");
    return (std::uint64_t{high} << 32) | low;
}

inline constexpr std::uint32_t kVector = 0x40;

// Turns on this CPU's local APIC and the handler of kVector.
void EnableInterrupts();
// Lets edges on the IOAPIC's `pin` become kVector.
void ConnectPin(std::uint32_t pin);
// Interrupts so far.
[[nodiscard]] std::uint64_t Interrupts();
// Spins until there have been more interrupts than `before`.
inline void AwaitInterrupt(std::uint64_t before) {
    while (Interrupts() == before) asm volatile("pause");
}

// By husk's sleep control port; on another machine, by a triple fault.
[[noreturn]] void PowerOff();

}  // namespace guest
