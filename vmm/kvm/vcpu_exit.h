// VcpuExit: why KVM_RUN came back, as data. The spans point into the vCPU's shared area: what a read leaves there is
// what the guest gets when the vCPU runs again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <variant>

#include "vmm/memory/guest_address.h"

namespace husk {

// One IN or OUT instruction; with a REP prefix, several accesses of `size` bytes each in `data`.
struct PioExit {
    std::uint16_t port;
    std::uint8_t size;
    bool is_write;
    std::span<std::byte> data;
};

struct MmioExit {
    GuestAddress address;
    bool is_write;
    std::span<std::byte> data;
};

// KVM_RUN was cut short by a kick or a signal; nothing happened.
struct InterruptedExit {};

// Where a CPU was when it shut down.
struct CrashState {
    enum class Knowledge : std::uint8_t {
        kNone,   // KVM does not tell
        kReset,  // KVM has reset the vCPU, as it does on AMD's processors
        kWhole,
    } knowledge = Knowledge::kNone;
    std::uint64_t rip = 0;
    std::uint64_t rsp = 0;
    std::uint64_t cr0 = 0;
    std::uint64_t cr2 = 0;
    std::uint64_t cr3 = 0;
    std::uint64_t cr4 = 0;
    std::uint64_t efer = 0;
};

// The guest's CPU shut down: a triple fault.
struct ShutdownExit {
    CrashState state{};
};

// HLT reached user space; with local APICs in the kernel it never should.
struct HaltExit {};

// KVM or the processor gave up: `reason` is the exit reason or the errno, `detail` what KVM says of it.
struct FailedExit {
    enum class Kind : std::uint8_t { kInternalError, kEntryFailed, kRunFailed, kUnknown } kind;
    std::uint64_t reason;
    std::uint64_t detail;
};

// An end-of-interrupt for a level-triggered IOAPIC pin; our lines are edges, so it needs nothing.
struct EoiExit {
    std::uint8_t vector;
};

using VcpuExit = std::variant<PioExit, MmioExit, InterruptedExit, ShutdownExit, HaltExit, FailedExit, EoiExit>;

}  // namespace husk
