#include "vmm/kvm/vm.h"

#include "vmm/base/syscalls.h"
#include "vmm/kvm/kvm_api.h"
#include "vmm/kvm/vcpu.h"
#include "vmm/memory/address_map.h"

namespace husk {

Result<> Vm::EnableSplitIrqchip(std::uint32_t ioapic_pins) {
    kvm_enable_cap cap{};
    cap.cap = KVM_CAP_SPLIT_IRQCHIP;
    cap.args[0] = ioapic_pins;
    if (::ioctl(Fd(), KVM_ENABLE_CAP, &cap) != 0) return FailOs("cannot create the local APICs (split irqchip)");
    return {};
}

Result<> Vm::ReserveRealModePages() {
    std::uint64_t identity_map = address_map::kKvmIdentityMap.Value();
    if (::ioctl(Fd(), KVM_SET_IDENTITY_MAP_ADDR, &identity_map) != 0) return FailOs("KVM_SET_IDENTITY_MAP_ADDR");
    if (::ioctl(Fd(), KVM_SET_TSS_ADDR, address_map::kKvmTss.Value()) != 0) return FailOs("KVM_SET_TSS_ADDR");
    return {};
}

Result<> Vm::AddMemory(std::uint32_t slot, const MemoryRegion& region, bool read_only) {
    kvm_userspace_memory_region memory{};
    memory.slot = slot;
    memory.flags = read_only ? std::uint32_t{KVM_MEM_READONLY} : 0;
    memory.guest_phys_addr = region.start.Value();
    memory.memory_size = region.host.size();
    memory.userspace_addr = reinterpret_cast<std::uint64_t>(region.host.data());
    if (::ioctl(Fd(), KVM_SET_USER_MEMORY_REGION, &memory) != 0) return FailOs("cannot give the guest its memory");
    return {};
}

Result<Vcpu> Vm::CreateVcpu(std::uint32_t id) {
    ScopedFd fd(::ioctl(Fd(), KVM_CREATE_VCPU, static_cast<unsigned long>(id)));
    if (!fd) return FailOs("cannot create vCPU " + std::to_string(id));
    return Vcpu::Create(std::move(fd), vcpu_map_size_);
}

Result<> Vm::AddIoEventFd(GuestAddress at, std::uint32_t value, int event) {
    kvm_ioeventfd doorbell{};
    doorbell.datamatch = value;
    doorbell.addr = at.Value();
    doorbell.len = sizeof value;
    doorbell.fd = event;
    doorbell.flags = KVM_IOEVENTFD_FLAG_DATAMATCH;
    if (::ioctl(Fd(), KVM_IOEVENTFD, &doorbell) != 0) return FailOs("cannot tie a doorbell to an eventfd");
    return {};
}

bool Vm::AssignIrqFd(int event, Gsi gsi) const {
    kvm_irqfd irqfd{};
    irqfd.fd = static_cast<std::uint32_t>(event);
    irqfd.gsi = static_cast<std::uint32_t>(gsi);
    return RawIoctl(Fd(), KVM_IRQFD, &irqfd) == 0;
}

void Vm::DeassignIrqFd(int event, Gsi gsi) const {
    kvm_irqfd irqfd{};
    irqfd.fd = static_cast<std::uint32_t>(event);
    irqfd.gsi = static_cast<std::uint32_t>(gsi);
    irqfd.flags = KVM_IRQFD_FLAG_DEASSIGN;
    RawIoctl(Fd(), KVM_IRQFD, &irqfd);
}

}  // namespace husk
