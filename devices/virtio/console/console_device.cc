#include "devices/virtio/console/console_device.h"

namespace husk {

std::optional<QueueFault> ConsoleDevice::Activate(const GuestMemory& memory, const Activation& activation) {
    Deactivate();
    const auto fault = OpenQueues(memory, activation);
    session_.live = !fault;
    if (fault) Deactivate();
    return fault;
}

std::optional<QueueFault> ConsoleDevice::OpenQueues(const GuestMemory& memory, const Activation& activation) {
    const auto named = static_cast<std::uint32_t>(named_);
    const std::uint64_t features = activation.features & console_config::Features(named);
    const bool multiport = (features & console_config::kFeatureMultiport) != 0;
    const auto& queues = activation.queues;
    for (std::size_t port = 0; port <= (multiport ? named_ : 0); ++port) {
        const auto fault = ports_[port].Open(memory, queues[console_config::ReceiveQueueOf(port)],
                                             queues[console_config::TransmitQueueOf(port)], features, !multiport);
        if (fault) return fault;
    }
    if (!multiport) return std::nullopt;
    return control_.Open(memory, queues[console_config::kControlReceiveQueue],
                         queues[console_config::kControlTransmitQueue], features);
}

void ConsoleDevice::Deactivate() {
    session_.live = false;
    session_.fault.reset();
    for (PortQueues& port : ports_) port.Close();
    control_.Close();
}

}  // namespace husk
