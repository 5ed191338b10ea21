// Vcpu: one virtual CPU's descriptor and shared area.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "vmm/base/result.h"
#include "vmm/base/scoped_fd.h"
#include "vmm/kvm/cpuid.h"
#include "vmm/kvm/vcpu_exit.h"
#include "vmm/memory/guest_address.h"

struct kvm_run;

namespace husk {

// Where and how the first vCPU starts. Both modes find flat segments loaded from the table at `gdt`: code selector
// 0x10, data selector 0x18; interrupts are off.
struct VcpuEntry {
    enum class Mode {
        kLong64,       // paging on with `page_table`; `argument` in rsi (Linux's 64-bit boot protocol)
        kProtected32,  // paging off; `argument` in ebx (PVH)
    };
    Mode mode;
    GuestAddress instruction;
    GuestAddress argument;
    GuestAddress page_table;
    GuestAddress gdt;
    std::uint16_t gdt_limit;
};

class Vcpu {
 public:
    // Maps the shared area (`map_size` bytes) of a vCPU descriptor.
    [[nodiscard]] static Result<Vcpu> Create(ScopedFd fd, std::size_t map_size);
    Vcpu(Vcpu&& other) noexcept;
    Vcpu& operator=(Vcpu&&) = delete;
    ~Vcpu();

    [[nodiscard]] Result<> SetCpuid(std::span<const CpuidEntry> entries);
    // The memory types and feature bits that firmware would have set: default type write-back, fast strings.
    [[nodiscard]] Result<> SetBootMsrs();
    [[nodiscard]] Result<> SetEntry(const VcpuEntry& entry);

    // Runs the guest until something needs attention. The vCPU's own thread only; no allocation.
    [[nodiscard]] VcpuExit Run();

    // Makes the current or the next Run() return InterruptedExit once; async-signal-safe. It takes effect inside the
    // kernel only together with a signal to the vCPU's thread (RunLoop's Kick does both).
    void RequestImmediateExit();

    // The descriptor moves to a slot of its own.
    [[nodiscard]] Result<> MoveTo(int slot) {
        fd_ = HUSK_TRY(MoveToSlot(std::move(fd_), slot));
        return {};
    }
    [[nodiscard]] int Fd() const { return fd_.Get(); }

 private:
    Vcpu(ScopedFd fd, kvm_run* run, std::size_t map_size) : fd_(std::move(fd)), run_(run), map_size_(map_size) {}
    [[nodiscard]] VcpuExit Decode();
    [[nodiscard]] CrashState ReadCrashState();

    ScopedFd fd_;
    kvm_run* run_;  // shared with the kernel, not with the guest
    std::size_t map_size_;
};

}  // namespace husk
