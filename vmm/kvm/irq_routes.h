// IrqRoutes: KVM's interrupt routing table and the irqfds behind it, driven by the user-space IOAPIC.
//
// A pin that is unmasked has a route (its message) and its eventfd tied to it. Masking unties the eventfd, which then
// holds what is written to it; unmasking ties it again and KVM delivers what it holds. Removing only the route would
// lose those interrupts.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "vmm/bus/irq.h"
#include "vmm/kvm/vm.h"

namespace husk {

class IrqRoutes final : public IrqRouter {
 public:
    static constexpr std::size_t kMaxPins = 24;

    // `vm` must outlive this.
    explicit IrqRoutes(const Vm& vm) : vm_(vm) {}

    // Says which eventfd is behind `gsi`. Start-up only; the descriptor must outlive this.
    void Connect(Gsi gsi, int event);

    // Called with the IOAPIC's lock held, on vCPU threads; no allocation.
    void Unmask(Gsi gsi, const MsiMessage& message) override;
    void Mask(Gsi gsi) override;

    // Routing table updates so far; each one costs the kernel a synchronisation.
    [[nodiscard]] std::uint64_t Updates() const { return updates_; }

 private:
    struct Pin {
        int event = -1;
        bool routed = false;
        bool tied = false;
        MsiMessage message;
    };
    [[nodiscard]] Pin* Find(Gsi gsi);
    void InstallTable();

    const Vm& vm_;
    std::array<Pin, kMaxPins> pins_{};
    std::uint64_t updates_ = 0;
};

}  // namespace husk
