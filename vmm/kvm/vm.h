// Vm: one virtual machine's descriptor, and what is set up on it before vCPUs run.
#pragma once

#include <cstdint>
#include <optional>

#include "vmm/base/result.h"
#include "vmm/base/scoped_fd.h"
#include "vmm/bus/irq.h"
#include "vmm/memory/guest_memory.h"

namespace husk {

class Vcpu;

class Vm {
 public:
    // Local APICs in the kernel, the IOAPIC of `ioapic_pins` pins in user space. Before any vCPU exists.
    [[nodiscard]] Result<> EnableSplitIrqchip(std::uint32_t ioapic_pins);
    // The pages Intel hosts need for real mode (vmm/memory/address_map.h). Before any vCPU exists.
    [[nodiscard]] Result<> ReserveRealModePages();

    // Makes `region` memory of the guest. Each slot number once; before the first irqfd or ioeventfd, since slots are
    // slow to make afterwards.
    [[nodiscard]] Result<> AddMemory(std::uint32_t slot, const MemoryRegion& region, bool read_only = false);

    // The vCPU with this APIC id.
    [[nodiscard]] Result<Vcpu> CreateVcpu(std::uint32_t id);

    // A write of exactly this `value`, 4 bytes wide, to `at` signals `event` instead of ending KVM_RUN. Start-up only.
    [[nodiscard]] Result<> AddIoEventFd(GuestAddress at, std::uint32_t value, int event);

    // Ties the eventfd `event` to `gsi`: a write to it becomes an interrupt. Any thread; no allocation.
    [[nodiscard]] bool AssignIrqFd(int event, Gsi gsi) const;
    void DeassignIrqFd(int event, Gsi gsi) const;

    // The descriptor moves to a slot of its own.
    [[nodiscard]] Result<> MoveTo(int slot) {
        fd_ = HUSK_TRY(MoveToSlot(std::move(fd_), slot));
        return {};
    }
    [[nodiscard]] int Fd() const { return fd_.Get(); }

 private:
    friend class Kvm;
    Vm(ScopedFd fd, std::size_t vcpu_map_size) : fd_(std::move(fd)), vcpu_map_size_(vcpu_map_size) {}

    ScopedFd fd_;
    std::size_t vcpu_map_size_;
};

}  // namespace husk
