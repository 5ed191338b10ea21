// ControlQueues: how device and driver of a virtio-console with MULTIPORT tell each other about its ports (Virtio 1.2
// §5.3.6.2), and what is known of them. The driver is hostile: what it says is a wish about its own ports, looked at
// one message at a time; what names no port, or makes no sense, is left alone.
//
// No queue of messages: each port remembers what the driver has yet to be told, so that a driver which never takes a
// message costs nothing. No allocation after Open().
#pragma once

#include <sys/uio.h>

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "devices/virtio/console/console_config.h"
#include "devices/virtio/console/console_session.h"
#include "devices/virtio/console/control_message.h"
#include "devices/virtio/console/port_queues.h"
#include "devices/virtio/split_queue.h"
#include "vmm/memory/guest_memory.h"

namespace husk {

class ControlQueues {
 public:
    // `names`: of the ports behind the console, at most kMaxNamedPorts; they, `session` and `ports` outlive this.
    ControlQueues(ConsoleSession& session, std::span<PortQueues> ports, std::span<const std::string_view> names);

    [[nodiscard]] std::optional<QueueFault> Open(const GuestMemory& memory, const QueueConfig& receive,
                                                 const QueueConfig& transmit, std::uint64_t features);
    void Close();

    // Whether somebody on the host is connected to a named port. One who leaves and one who comes are always told as
    // such, even to a driver that was slow to listen.
    void SetHostOpen(std::size_t port, bool open);
    void SetWindow(console_config::Window window);

    // Takes the driver's messages, and sends what is due as far as it has buffers.
    void Serve();
    // Asks for a doorbell. False: there is something to do.
    [[nodiscard]] bool Sleep();

 private:
    struct Port {
        bool host_open = false;
        // What the driver knows, and is to be told; only once it is ready for the port.
        bool ready = false;
        bool told_open = false;
        bool add_due = false;
        bool console_due = false;
        bool name_due = false;
        bool size_due = false;
        bool close_due = false;  // before it is told that the port is open
    };
    // Header, and the longest of what can follow.
    static constexpr std::size_t kMessageMax = sizeof(ControlMessage) + console_config::kMaxPortName;
    struct Outgoing {
        std::array<std::byte, kMessageMax> bytes{};
        std::size_t size = 0;
    };
    using Buffers = std::array<iovec, console_config::kQueueSize>;

    void TakeMessages();
    void Handle(const ControlMessage& message);
    void SendDue();
    [[nodiscard]] bool AnyDue() const;
    [[nodiscard]] bool IsDue(const Port& port) const;
    // The next message for a port, which then counts as sent.
    [[nodiscard]] Outgoing TakeDue(std::size_t index);
    [[nodiscard]] bool Send(const Outgoing& message);

    ConsoleSession& session_;
    std::span<PortQueues> queues_;  // of the ports; the console first
    std::span<const std::string_view> names_;
    std::array<Port, console_config::kMaxPorts> ports_{};
    std::optional<console_config::Window> window_;
    std::optional<SplitQueue> receive_;
    std::optional<SplitQueue> transmit_;
    bool batch_open_ = false;
    Buffers buffers_;
};

}  // namespace husk
