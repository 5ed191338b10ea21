// Board: the guest's machine as the vmm role holds it: memory, buses, platform devices, vCPUs, and the kernel in place.
#pragma once

#include <memory>
#include <vector>

#include "boot/linux/boot_file.h"
#include "devices/platform/ioapic.h"
#include "devices/platform/power.h"
#include "devices/platform/uart8250.h"
#include "vmm/base/event_fd.h"
#include "vmm/base/shared_memory.h"
#include "vmm/bus/bus.h"
#include "vmm/bus/event_fd_line.h"
#include "vmm/kvm/irq_routes.h"
#include "vmm/kvm/kvm.h"
#include "vmm/kvm/vcpu.h"
#include "vmm/kvm/vm.h"
#include "vmm/memory/guest_memory.h"
#include "vmm/roles/messages.h"
#include "vmm/roles/serial_link.h"
#include "vmm/roles/stats_pages.h"
#include "vmm/roles/virtio_device.h"

namespace husk {

// What a guest starts from.
struct BootFiles {
    BootFile kernel;
    std::vector<BootFile> initrds;
};

// What the board is tied to in its role. All of it must outlive the board.
struct BoardLinks {
    const SharedPages<ConsoleRings>& rings;
    const EventFd& wake_console;
    const EventFd& wake_control;  // the control thread: a virtio device wants something forwarded
    PowerSink& power;             // hears of poweroff and reset, on vCPU threads
    VcpuGate& gate;
    VmmStats& stats;
};

// Does not move: devices and vCPUs refer to each other.
class Board {
 public:
    // Makes the VM, loads the kernel, and leaves vCPU 0 ready for its first instruction. `kvm_fd` is closed afterwards.
    [[nodiscard]] static Result<std::unique_ptr<Board>> Create(ScopedFd kvm_fd, const VmmConfig& config,
                                                               const BootFiles& files, const BoardLinks& links);

    [[nodiscard]] std::vector<Vcpu>& Vcpus() { return vcpus_; }
    [[nodiscard]] const Bus& Ports() const { return ports_; }
    [[nodiscard]] const Bus& Mmio() const { return mmio_; }
    [[nodiscard]] std::vector<std::unique_ptr<VirtioDevice>>& Devices() { return devices_; }

    void PressPowerButton() { power_button_.Press(); }
    // The console has input, or made room. The control thread.
    void ConsoleReady();
    // Copies the devices' own counts to the statistics page.
    void PublishCounts(VmmStats& stats);

 private:
    Board(Vm vm, GuestMemory memory, EventFd uart_event, EventFd button_event, std::uint32_t pins,
          const BoardLinks& links);

    [[nodiscard]] Result<> CreateDevices(const VmmConfig& config, const BoardLinks& links, bool pages,
                                         std::uint32_t slot);
    [[nodiscard]] Result<> EquipWorkers(const BoardLinks& links) const;
    [[nodiscard]] Result<> WireDevices(const VmmConfig& config, bool pages);
    [[nodiscard]] Result<> CreateVcpus(const Kvm& kvm, const VmmConfig& config);
    [[nodiscard]] Result<> LoadGuest(const VmmConfig& config, const BootFiles& files);

    Vm vm_;
    GuestMemory memory_;
    EventFdLine uart_line_;
    EventFdLine button_line_;
    IrqRoutes routes_;
    Ioapic ioapic_;
    SerialLink serial_;
    Uart8250 uart_;
    PowerControl power_control_;
    KeyboardReset keyboard_reset_;
    PowerButton power_button_;
    std::vector<std::unique_ptr<VirtioDevice>> devices_;
    Bus ports_;
    Bus mmio_;
    std::vector<Vcpu> vcpus_;
    bool has_uart_ = false;
};

}  // namespace husk
