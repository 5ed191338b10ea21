// The machine's address map: where RAM, registers, ports and interrupts are. Everything the ACPI tables tell the guest
// and everything the bus dispatches comes from these constants.
#pragma once

#include <cstdint>

#include "vmm/memory/guest_address.h"

namespace husk::address_map {

inline constexpr std::uint64_t kKiB = 1024;
inline constexpr std::uint64_t kMiB = 1024 * kKiB;
inline constexpr std::uint64_t kGiB = 1024 * kMiB;
inline constexpr std::uint64_t kPageSize = 4 * kKiB;

// RAM is [0, 3 GiB) and, for what does not fit there, [4 GiB, ...). Registers live in the hole between.
inline constexpr GuestAddress kLowRamEnd{3 * kGiB};
inline constexpr GuestAddress kHighRamStart{4 * kGiB};
inline constexpr std::uint64_t kMinRam = 16 * kMiB;

// Below 1 MiB: what the first instructions of a guest find. All of it is RAM; [kFirmwareStart, 1 MiB) is reserved
// in the memory map given to the guest.
inline constexpr GuestAddress kMpFloatingPointer{0x10};
inline constexpr GuestAddress kFirmwareStart{0x9fc00};
inline constexpr GuestAddress kAcpiTables{0xe0000};
inline constexpr std::uint64_t kAcpiTablesMax = 0x1fff0;
inline constexpr GuestAddress kResetStub{0xffff0};  // real-mode reset vector, f000:fff0 and ffff:0000
inline constexpr GuestAddress kHighMemory{1 * kMiB};

inline constexpr GuestAddress kVirtioMmio{0xd000'0000};  // one page of registers for each device
inline constexpr std::uint64_t kVirtioMmioStride = kPageSize;
inline constexpr GuestAddress kIoapic{0xfec0'0000};
inline constexpr std::uint64_t kIoapicSize = 0x20;
inline constexpr GuestAddress kLocalApic{0xfee0'0000};
// Three pages that KVM needs on Intel hosts without unrestricted guests, and one for its identity map.
inline constexpr GuestAddress kKvmIdentityMap{0xfffb'c000};
inline constexpr GuestAddress kKvmTss{0xfffb'd000};

// I/O ports.
inline constexpr std::uint16_t kUartPort = 0x3f8;
inline constexpr std::uint16_t kUartPorts = 8;
inline constexpr std::uint16_t kKeyboardStatusPort = 0x64;  // only for reboots by "pulse the reset line"
inline constexpr std::uint16_t kSleepControlPort = 0x600;
inline constexpr std::uint16_t kSleepStatusPort = 0x601;
inline constexpr std::uint16_t kResetPort = 0x602;
inline constexpr std::uint8_t kResetValue = 0x42;

// Global system interrupts = IOAPIC pins. Pins 0 and 2 stay unused: x86 Linux takes neither from an ACPI device. The
// IOAPIC has only as many pins as are needed, because a guest kernel reads and writes each of them several times while
// it starts.
inline constexpr std::uint32_t kUartGsi = 1;
inline constexpr std::uint32_t kPowerButtonGsi = 3;
inline constexpr std::uint32_t kFirstVirtioGsi = 4;

}  // namespace husk::address_map
