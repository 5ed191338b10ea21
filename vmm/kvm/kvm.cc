#include "vmm/kvm/kvm.h"

#include <fcntl.h>

#include "vmm/kvm/capabilities.h"
#include "vmm/kvm/kvm_api.h"
#include "vmm/kvm/vm.h"

namespace husk {
namespace {

constexpr int kApiVersion = 12;

std::string Remedy(int os_errno) {
    switch (os_errno) {
        case ENOENT:
            return "; is the kvm_intel or kvm_amd module loaded, and virtualisation enabled in the firmware?";
        case EACCES:
        case EPERM:
            return "; add yourself to the group that owns it (usually: sudo usermod -aG kvm $USER) and log in again";
        case ENODEV:
        case ENXIO:
            return "; the processor's virtualisation is absent or disabled";
        default:
            return "";
    }
}

}  // namespace

Result<ScopedFd> Kvm::OpenDevice(const std::string& path) {
    ScopedFd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    if (!fd) {
        const int os_errno = errno;
        return Fail(Error::Os("cannot open " + path, os_errno).Message() + Remedy(os_errno));
    }
    if (::ioctl(fd.Get(), KVM_GET_API_VERSION, 0) < 0) return Fail(path + " is not a KVM device");
    return fd;
}

Result<Kvm> Kvm::Create(ScopedFd fd) {
    Kvm kvm(std::move(fd));
    const int version = ::ioctl(kvm.Fd(), KVM_GET_API_VERSION, 0);
    if (version < 0) return Fail("the KVM device does not answer");
    if (version != kApiVersion) {
        return Fail("this host speaks KVM API version " + std::to_string(version) + "; husk speaks version 12");
    }
    HUSK_TRY(CheckRequiredCapabilities([&kvm](int capability) { return kvm.CheckExtension(capability); }));
    return kvm;
}

int Kvm::CheckExtension(int capability) const {
    const int answer = ::ioctl(Fd(), KVM_CHECK_EXTENSION, capability);
    return answer < 0 ? 0 : answer;
}

bool Kvm::HasTscDeadlineTimer() const { return CheckExtension(KVM_CAP_TSC_DEADLINE_TIMER) > 0; }

bool Kvm::HasReadOnlyMemory() const { return CheckExtension(KVM_CAP_READONLY_MEM) > 0; }

std::uint32_t Kvm::MaxVcpus() const {
    const int max = CheckExtension(KVM_CAP_MAX_VCPUS);
    return max > 0 ? static_cast<std::uint32_t>(max) : 4;  // the API's own default where the question is unknown
}

Result<std::size_t> Kvm::VcpuMapSize() const {
    const int size = ::ioctl(Fd(), KVM_GET_VCPU_MMAP_SIZE, 0);
    if (size < 0) return FailOs("KVM_GET_VCPU_MMAP_SIZE");
    if (static_cast<std::size_t>(size) < sizeof(kvm_run))
        return Fail("KVM's vCPU area is smaller than its header says");
    return static_cast<std::size_t>(size);
}

Result<Vm> Kvm::CreateVm() const {
    int fd = -1;
    do {  // a signal during the set-up of the VM's memory management is reported as EINTR
        fd = ::ioctl(Fd(), KVM_CREATE_VM, 0);
    } while (fd < 0 && errno == EINTR);
    if (fd < 0) return FailOs("cannot create a VM");
    return Vm(ScopedFd(fd), HUSK_TRY(VcpuMapSize()));
}

}  // namespace husk
