#include "vmm/kvm/vcpu.h"

#include <sys/mman.h>

#include <atomic>
#include <cerrno>
#include <utility>

#include "vmm/base/syscalls.h"
#include "vmm/kvm/kvm_api.h"

namespace husk {

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
            return ShutdownExit{};
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

}  // namespace husk
