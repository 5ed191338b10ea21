// VirtioDevice: one virtio device as the vmm role holds it: its registers, its interrupt and doorbell, the way to its
// worker. The data path is the worker's.
#pragma once

#include <cstdint>
#include <memory>

#include "devices/virtio/mmio_transport.h"
#include "vmm/bus/bus.h"
#include "vmm/bus/event_fd_line.h"
#include "vmm/kvm/irq_routes.h"
#include "vmm/kvm/vm.h"
#include "vmm/memory/address_map.h"
#include "vmm/roles/device_control.h"
#include "vmm/roles/messages.h"

namespace husk {

// Does not move: its parts refer to each other.
class VirtioDevice {
 public:
    // Device number `index` of the machine, with the descriptors of its slots (vmm/roles/slots.h). `wake_control`,
    // `gate` and `stats` must outlive it.
    [[nodiscard]] static Result<std::unique_ptr<VirtioDevice>> Create(std::uint32_t index, const DeviceSpec& spec,
                                                                      const EventFd& wake_control, VcpuGate& gate,
                                                                      VirtioDeviceStats& stats);

    static constexpr GuestAddress RegistersOf(std::uint32_t index) {
        return GuestAddress(address_map::kVirtioMmio.Value() + index * address_map::kVirtioMmioStride);
    }
    static constexpr std::uint32_t GsiOf(std::uint32_t index) { return address_map::kFirstVirtioGsi + index; }

    // Start-up, in this order. Page: maps the registers into the guest, to be read without an exit. Wire: the bus, the
    // interrupt, the doorbells; with `page`, acknowledgements of used buffers end in the kernel as well.
    [[nodiscard]] Result<> MapPage(Vm& vm, std::uint32_t slot);
    [[nodiscard]] Result<> Wire(Vm& vm, Bus& mmio, IrqRoutes& routes, bool page);

    [[nodiscard]] MmioTransport& Transport() { return transport_; }
    [[nodiscard]] DeviceControl& Control() { return control_; }
    // Takes over what KVM counted. At the end.
    void PublishCounts() { stats_.acknowledgements.Add(acknowledged_.Take()); }

 private:
    VirtioDevice(std::uint32_t index, const DeviceSpec& spec, RegisterPage page, EventFd acknowledged,
                 const EventFd& wake_control, VcpuGate& gate, VirtioDeviceStats& stats);

    const std::uint32_t index_;
    const std::uint32_t queues_;
    RegisterPage page_;
    EventFd doorbell_;
    EventFd acknowledged_;  // read by nobody while the guest runs
    EventFdLine line_;
    VirtioDeviceStats& stats_;
    DeviceControl control_;
    MmioTransport transport_;
};

}  // namespace husk
