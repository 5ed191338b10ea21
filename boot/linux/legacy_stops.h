// Two small things in low memory that keep a stock kernel from taking a legacy path into the void.
#pragma once

#include <array>
#include <cstddef>

#include "vmm/memory/guest_memory.h"

namespace husk {

// Real-mode code for the reset vector, position-independent. A kernel that finds neither EFI nor another way
// to reboot goes to real mode and jumps to ffff:0000, which on a PC is the firmware: here it writes
// kResetValue to kResetPort, and halts for good should the machine still be there.
inline constexpr std::size_t kResetStubMax = 16;  // up to the end of the first MiB
[[nodiscard]] std::array<std::byte, kResetStubMax> MakeResetStub();

// An MP floating pointer structure without a table (Intel MultiProcessor Specification 1.4, 4.1). Linux looks
// for one in steps of 16 bytes, each of them a remapping, which takes a third of a second where page tables
// are shadowed; finding this one ends the search, and the ACPI tables make its content irrelevant. A kernel
// told to do without ACPI ("acpi=off") stops at it with a BUG: it would find neither interrupts nor devices
// anyway.
[[nodiscard]] std::array<std::byte, 16> MakeMpFloatingPointer();

// Puts both where they belong (address_map::kResetStub, kMpFloatingPointer). Start-up only.
void WriteLegacyStops(const GuestMemory& memory);

}  // namespace husk
