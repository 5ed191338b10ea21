#include "vmm/kvm/vcpu.h"

#include <sys/mman.h>

#include <atomic>
#include <cerrno>
#include <utility>

#include "vmm/base/syscalls.h"
#include "vmm/kvm/kvm_api.h"

namespace husk {
namespace {

constexpr std::uint64_t kCr0ExtensionType = 1U << 4;  // always set: without it, nothing was copied
constexpr std::uint64_t kResetBase = 0xffff'0000;
constexpr std::uint64_t kResetVector = 0xfff0;

}  // namespace

Result<Vcpu> Vcpu::Create(ScopedFd fd, std::size_t map_size) {
    void* const area = ::mmap(nullptr, map_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd.Get(), 0);
    if (area == MAP_FAILED) return FailOs("cannot map a vCPU's shared area");
    return Vcpu(std::move(fd), static_cast<kvm_run*>(area), map_size);
}

Vcpu::Vcpu(Vcpu&& other) noexcept
    : fd_(std::move(other.fd_)), run_(std::exchange(other.run_, nullptr)), map_size_(other.map_size_) {}

Vcpu::~Vcpu() {
    if (run_ != nullptr) ::munmap(run_, map_size_);
}

void Vcpu::RequestImmediateExit() { std::atomic_ref(run_->immediate_exit).store(1, std::memory_order_release); }

VcpuExit Vcpu::Run() {
    const long result = RawIoctl(fd_.Get(), KVM_RUN, std::uint64_t{0});
    if (result == 0) return Decode();
    // EINTR: a kick. EAGAIN: a waiting vCPU was just started by another one and runs at the next call.
    if (result == -EINTR || result == -EAGAIN) {
        // Taking the request back with an exchange pairs with RequestImmediateExit(): whatever the kicker wrote before
        // its request is visible after this line, or else its request comes later and the next run ends at once.
        std::atomic_ref(run_->immediate_exit).exchange(0, std::memory_order_acq_rel);
        return InterruptedExit{};
    }
    return FailedExit{FailedExit::Kind::kRunFailed, static_cast<std::uint64_t>(-result), 0};
}

VcpuExit Vcpu::Decode() {
    switch (run_->exit_reason) {
        case KVM_EXIT_IO: {
            const auto& io = run_->io;
            auto* const data = reinterpret_cast<std::byte*>(run_) + io.data_offset;
            return PioExit{io.port, io.size, io.direction == KVM_EXIT_IO_OUT, {data, std::size_t{io.size} * io.count}};
        }
        case KVM_EXIT_MMIO: {
            auto& mmio = run_->mmio;
            return MmioExit{GuestAddress(mmio.phys_addr), mmio.is_write != 0,
                            std::as_writable_bytes(std::span(mmio.data, mmio.len))};
        }
        case KVM_EXIT_INTR:
            return InterruptedExit{};
        case KVM_EXIT_SHUTDOWN:
            return ShutdownExit{ReadCrashState()};
        case KVM_EXIT_HLT:
            return HaltExit{};
        case KVM_EXIT_IOAPIC_EOI:
            return EoiExit{run_->eoi.vector};
        case KVM_EXIT_INTERNAL_ERROR:
            return FailedExit{FailedExit::Kind::kInternalError, run_->internal.suberror,
                              run_->internal.ndata > 0 ? run_->internal.data[0] : 0};
        case KVM_EXIT_FAIL_ENTRY:
            return FailedExit{FailedExit::Kind::kEntryFailed, run_->fail_entry.hardware_entry_failure_reason, 0};
        default:
            return FailedExit{FailedExit::Kind::kUnknown, run_->exit_reason, 0};
    }
}

// By the one system call that a vCPU's thread may make: KVM copies the registers into the shared area at the end of a
// run, also of one that is over before it began (KVM_CAP_SYNC_REGS).
CrashState Vcpu::ReadCrashState() {
    run_->kvm_valid_regs = KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS;
    RequestImmediateExit();
    if (RawIoctl(fd_.Get(), KVM_RUN, std::uint64_t{0}) != -EINTR) return {};
    const kvm_regs& registers = run_->s.regs.regs;
    const kvm_sregs& system = run_->s.regs.sregs;
    if ((system.cr0 & kCr0ExtensionType) == 0) return {};
    const bool reset = system.cs.base == kResetBase && registers.rip == kResetVector;
    return {.knowledge = reset ? CrashState::Knowledge::kReset : CrashState::Knowledge::kWhole,
            .rip = registers.rip,
            .rsp = registers.rsp,
            .cr0 = system.cr0,
            .cr2 = system.cr2,
            .cr3 = system.cr3,
            .cr4 = system.cr4,
            .efer = system.efer};
}

}  // namespace husk
