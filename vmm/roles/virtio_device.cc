#include "vmm/roles/virtio_device.h"

#include <algorithm>
#include <string>

#include "vmm/roles/slots.h"

namespace husk {
namespace {

VirtioDeviceModel ModelOf(const DeviceSpec& spec) {
    return {.id = spec.id,
            .features = spec.features,
            .queues = spec.queues,
            .max_queue_size = spec.max_queue_size,
            .config = std::span(spec.config).first(spec.config_bytes),
            .writable_offset = spec.writable_offset,
            .writable_feature = spec.writable_feature,
            .writable_needs = spec.writable_needs};
}

// InterruptACK of used buffers alone (Virtio 1.2 §4.2.2, InterruptStatus bit 0).
constexpr std::uint32_t kUsedBuffers = 1;

GuestAddress RegisterAt(std::uint32_t index, MmioRegister which) {
    return GuestAddress(VirtioDevice::RegistersOf(index).Value() + static_cast<std::uint32_t>(which));
}

}  // namespace

Result<std::unique_ptr<VirtioDevice>> VirtioDevice::Create(std::uint32_t index, const DeviceSpec& spec,
                                                           const EventFd& wake_control, VcpuGate& gate,
                                                           VirtioDeviceStats& stats) {
    if (spec.queues == 0 || spec.queues > kMaxQueues || spec.config_bytes > spec.config.size() ||
        (spec.writable_feature != 0 && spec.writable_offset >= spec.config_bytes)) {
        return Fail("device " + std::to_string(index) + " is not described validly");
    }
    RegisterPage page = HUSK_TRY(RegisterPage::Create());
    EventFd acknowledged = HUSK_TRY(EventFd::CreateOn(vmm_slot::Acknowledged(static_cast<int>(index))));
    return std::unique_ptr<VirtioDevice>(
        new VirtioDevice(index, spec, std::move(page), std::move(acknowledged), wake_control, gate, stats));
}

VirtioDevice::VirtioDevice(std::uint32_t index, const DeviceSpec& spec, RegisterPage page, EventFd acknowledged,
                           const EventFd& wake_control, VcpuGate& gate, VirtioDeviceStats& stats)
    : index_(index),
      queues_(spec.queues),
      page_(std::move(page)),
      doorbell_(ScopedFd(vmm_slot::Doorbell(static_cast<int>(index)))),
      acknowledged_(std::move(acknowledged)),
      line_(EventFd(ScopedFd(vmm_slot::Interrupt(static_cast<int>(index))))),
      stats_(stats),
      control_(Channel(ScopedFd(vmm_slot::Worker(static_cast<int>(index)))), doorbell_, wake_control, gate, stats),
      transport_(ModelOf(spec), page_, line_, control_) {}

Result<> VirtioDevice::MapPage(Vm& vm, std::uint32_t slot) {
    return vm.AddMemory(slot, {RegistersOf(index_), page_.Bytes()}, true);
}

Result<> VirtioDevice::Wire(Vm& vm, Bus& mmio, IrqRoutes& routes, bool page) {
    HUSK_TRY(mmio.Attach(RegistersOf(index_).Value(), address_map::kVirtioMmioStride, transport_,
                         "virtio" + std::to_string(index_)));
    routes.Connect(Gsi{GsiOf(index_)}, line_.Fd());
    for (std::uint32_t queue = 0; queue < queues_; ++queue) {
        HUSK_TRY(vm.AddIoEventFd(RegisterAt(index_, MmioRegister::kQueueNotify), queue, doorbell_.Get()));
    }
    if (!page) return {};
    return vm.AddIoEventFd(RegisterAt(index_, MmioRegister::kInterruptAck), kUsedBuffers, acknowledged_.Get());
}

}  // namespace husk
