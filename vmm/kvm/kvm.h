// Kvm: the system descriptor, /dev/kvm. Opened by the launcher, used by the vmm role.
#pragma once

#include <cstdint>
#include <string>

#include "vmm/base/result.h"
#include "vmm/base/scoped_fd.h"

namespace husk {

class Vm;

class Kvm {
 public:
    // Opens `path` (normally /dev/kvm); the error says what to do about it.
    [[nodiscard]] static Result<ScopedFd> OpenDevice(const std::string& path);

    // Checks the API version and the required capabilities behind an open descriptor.
    [[nodiscard]] static Result<Kvm> Create(ScopedFd fd);

    // 0 when the capability is absent, otherwise KVM's answer.
    [[nodiscard]] int CheckExtension(int capability) const;

    // Whether local APICs can have the TSC-deadline timer (KVM_CAP_TSC_DEADLINE_TIMER).
    [[nodiscard]] bool HasTscDeadlineTimer() const;
    // Whether memory slots can be read-only for the guest (KVM_CAP_READONLY_MEM).
    [[nodiscard]] bool HasReadOnlyMemory() const;
    // The most vCPUs one VM may have here.
    [[nodiscard]] std::uint32_t MaxVcpus() const;
    // Bytes to map of each vCPU's descriptor.
    [[nodiscard]] Result<std::size_t> VcpuMapSize() const;

    // A new VM without anything in it. A VM belongs to the address space that made it: call it in the role that runs
    // it.
    [[nodiscard]] Result<Vm> CreateVm() const;

    [[nodiscard]] int Fd() const { return fd_.Get(); }

 private:
    explicit Kvm(ScopedFd fd) : fd_(std::move(fd)) {}
    ScopedFd fd_;
};

}  // namespace husk
