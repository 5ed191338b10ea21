#include "vmm/roles/console_ports.h"

#include <algorithm>

#include "vmm/roles/slots.h"

namespace husk {

ConsolePorts::ConsolePorts(ConsoleDevice& device, std::size_t count)
    : device_(device),
      count_(std::min(count, kMax)),
      pumps_{PortPump(device.Port(1)), PortPump(device.Port(2)), PortPump(device.Port(3)), PortPump(device.Port(4))} {}

int ConsolePorts::Prepare(std::span<pollfd, kMax> waiting) {
    std::ranges::fill(waiting, pollfd{-1, 0, 0});
    int timeout = -1;
    for (std::size_t index = 0; index < count_; ++index) {
        const int own = pumps_[index].Prepare(waiting[index]);
        if (own >= 0) timeout = timeout < 0 ? own : std::min(timeout, own);
    }
    return timeout;
}

std::uint32_t ConsolePorts::Turn(std::span<const pollfd, kMax> waiting, std::uint64_t now) {
    std::uint32_t gone = 0;
    for (std::size_t index = 0; index < count_; ++index) {
        if (!pumps_[index].Turn(waiting[index], now)) continue;
        device_.SetHostOpen(index + 1, false);
        gone |= 1U << index;
    }
    return gone;
}

bool ConsolePorts::SetClient(std::size_t port) {
    if (port == 0 || port > count_) return false;
    pumps_[port - 1].SetClient(console_slot::PortClient(static_cast<int>(port)));
    device_.SetHostOpen(port, false);  // should the last one's leaving still be unheard of
    device_.SetHostOpen(port, true);
    return true;
}

void ConsolePorts::EndInput() {
    for (PortPump& pump : Pumps()) pump.EndInput();
}

bool ConsolePorts::Drained() const { return std::ranges::all_of(std::span(pumps_).first(count_), &PortPump::Drained); }

}  // namespace husk
