#include "vmm/kvm/irq_routes.h"

#include "vmm/base/syscalls.h"
#include "vmm/kvm/kvm_api.h"

namespace husk {

IrqRoutes::Pin* IrqRoutes::Find(Gsi gsi) {
    const auto index = static_cast<std::size_t>(gsi);
    return index < pins_.size() ? &pins_[index] : nullptr;
}

void IrqRoutes::Connect(Gsi gsi, int event) {
    if (Pin* const pin = Find(gsi)) pin->event = event;
}

void IrqRoutes::Unmask(Gsi gsi, const MsiMessage& message) {
    Pin* const pin = Find(gsi);
    if (pin == nullptr || pin->event < 0) return;  // nothing is wired to this pin: no need to tell the kernel of it
    if (!pin->routed || pin->message != message) {
        pin->message = message;
        pin->routed = true;
        InstallTable();
    }
    if (!pin->tied) pin->tied = vm_.AssignIrqFd(pin->event, gsi);
}

void IrqRoutes::Mask(Gsi gsi) {
    Pin* const pin = Find(gsi);
    if (pin == nullptr || !pin->tied) return;
    vm_.DeassignIrqFd(pin->event, gsi);
    pin->tied = false;
}

void IrqRoutes::InstallTable() {
    kvm_api::RoutingList<kMaxPins> table;
    for (std::size_t index = 0; index < pins_.size(); ++index) {
        if (!pins_[index].routed) continue;
        kvm_irq_routing_entry& entry = table.entries[table.head.count++];
        entry.gsi = static_cast<std::uint32_t>(index);
        entry.type = KVM_IRQ_ROUTING_MSI;
        entry.u.msi.address_lo = static_cast<std::uint32_t>(pins_[index].message.address);
        entry.u.msi.address_hi = static_cast<std::uint32_t>(pins_[index].message.address >> 32);
        entry.u.msi.data = pins_[index].message.data;
    }
    RawIoctl(vm_.Fd(), kvm_api::kSetGsiRouting, &table);
    ++updates_;
}

}  // namespace husk
