// ConsoleDevice: the data path of the virtio-console device (Virtio 1.2 §5.3), in the console role: hvc0, and the named
// ports when there are any. The driver of its queues is hostile; the registers are the vmm's business. A driver that
// does not take MULTIPORT has hvc0 alone.
//
// One thread; no allocation after Activate().
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "devices/host/console_port.h"
#include "devices/virtio/console/console_config.h"
#include "devices/virtio/console/console_session.h"
#include "devices/virtio/console/control_queues.h"
#include "devices/virtio/console/port_queues.h"
#include "devices/virtio/mmio_transport.h"
#include "vmm/memory/guest_memory.h"

namespace husk {

class ConsoleDevice {
 public:
    // All must outlive this. `interrupt` is signalled at most once for each batch of a port. `names`: of the ports
    // behind hvc0, at most kMaxNamedPorts.
    ConsoleDevice(const EventFd& interrupt, DeviceStats& stats, std::span<const std::string_view> names = {})
        : session_{.interrupt = interrupt, .stats = stats}, named_(names.size()), control_(session_, ports_, names) {}
    ConsoleDevice(const ConsoleDevice&) = delete;
    ConsoleDevice& operator=(const ConsoleDevice&) = delete;

    // The driver is ready. Its queues are taken over from `activation`; one of size 0 is not used. `memory` must stay
    // until Deactivate(). A fault means that the device is not live.
    [[nodiscard]] std::optional<QueueFault> Activate(const GuestMemory& memory, const Activation& activation);
    // The driver resets the device, at any moment: guest memory is not touched any more, and what was not yet taken of
    // a chain is dropped. Harmless when it is not active.
    void Deactivate();
    [[nodiscard]] bool Live() const { return session_.live; }
    // What the driver did, when it broke a rule since the last call. The device is not live from that moment on.
    [[nodiscard]] std::optional<QueueFault> TakeFault() { return std::exchange(session_.fault, std::nullopt); }

    // Whether one of the ports has output. Cheap: for polling.
    [[nodiscard]] bool HasOutput() const {
        return std::ranges::any_of(std::span(ports_).first(1 + named_), &PortQueues::HasOutput);
    }
    // Sends the interrupts that wait for the drivers to have looked by themselves.
    void Settle() {
        for (PortQueues& port : ports_) port.Settle();
    }
    // hvc0.
    [[nodiscard]] ConsolePort& Console() { return ports_[0]; }
    // Named port number `port`, counted from 1.
    [[nodiscard]] ConsolePort& Port(std::size_t port) { return ports_[port]; }

    // Somebody on the host came to a named port, or left it.
    void SetHostOpen(std::size_t port, bool open) { control_.SetHostOpen(port, open); }
    // The window of hvc0. A driver that did not take MULTIPORT looks it up in the configuration.
    void SetWindow(console_config::Window window) { control_.SetWindow(window); }
    // The control queues' turn: before that of the ports, which are opened and closed by it.
    void ServeControl() { control_.Serve(); }
    // Asks for their doorbell. False: there is something to serve.
    [[nodiscard]] bool SleepControl() { return control_.Sleep(); }

 private:
    [[nodiscard]] std::optional<QueueFault> OpenQueues(const GuestMemory& memory, const Activation& activation);

    ConsoleSession session_;
    std::size_t named_;
    std::array<PortQueues, console_config::kMaxPorts> ports_{
        PortQueues(session_), PortQueues(session_), PortQueues(session_), PortQueues(session_), PortQueues(session_)};
    ControlQueues control_;
};

}  // namespace husk
