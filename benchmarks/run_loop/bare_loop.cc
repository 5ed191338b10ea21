#include "benchmarks/run_loop/bare_loop.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "vmm/kvm/kvm_api.h"

namespace husk::bench {

Result<BareLoop> BareLoop::Create(BenchMachine& machine) {
    void* const area =
        ::mmap(nullptr, machine.VcpuMapSize(), PROT_READ | PROT_WRITE, MAP_SHARED, machine.Cpu().Fd(), 0);
    if (area == MAP_FAILED) return FailOs("cannot map a vCPU's shared area");
    return BareLoop(machine, static_cast<kvm_run*>(area));
}

BareLoop::BareLoop(BareLoop&& other) noexcept : machine_(other.machine_), run_(std::exchange(other.run_, nullptr)) {}

BareLoop::~BareLoop() {
    if (run_ != nullptr) ::munmap(run_, machine_.VcpuMapSize());
}

bool BareLoop::Run() {
    const int fd = machine_.Cpu().Fd();
    for (;;) {
        if (::ioctl(fd, KVM_RUN, 0) != 0) {
            if (errno == EINTR || errno == EAGAIN) continue;
            return false;
        }
        switch (run_->exit_reason) {
            case KVM_EXIT_IO: {
                auto* const data = reinterpret_cast<std::byte*>(run_) + run_->io.data_offset;
                if (run_->io.direction == KVM_EXIT_IO_IN) {
                    *data = std::byte{0xff};  // the guest has byte-wide ports only
                } else if (run_->io.port == kConsolePort) {
                    machine_.console.Write(0, {data, 1});
                    if (machine_.console.HasLine()) return true;
                }
                break;
            }
            case KVM_EXIT_MMIO:
                if (run_->mmio.is_write == 0) {
                    std::memset(run_->mmio.data, 0xff, sizeof run_->mmio.data);
                } else if (run_->mmio.phys_addr == kTrappedDoorbell) {
                    machine_.Doorbell().Signal();
                }
                break;
            default:
                return false;
        }
    }
}

}  // namespace husk::bench
