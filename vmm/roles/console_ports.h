// ConsolePorts: the named ports in the console role: a pump for each, its client's slot, and what the device is told
// of it. Everything in the loop's thread.
#pragma once

#include <poll.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "devices/host/port_pump.h"
#include "devices/virtio/console/console_config.h"
#include "devices/virtio/console/console_device.h"

namespace husk {

class ConsolePorts {
 public:
    static constexpr std::size_t kMax = console_config::kMaxNamedPorts;

    // The first `count` ports of `device` behind hvc0. It outlives this.
    ConsolePorts(ConsoleDevice& device, std::size_t count);

    // What to wait for, one entry a port; and how long (-1: until something happens, 0: there is more to do).
    int Prepare(std::span<pollfd, kMax> waiting);
    // Moves what can be moved. Bit n of the answer: the client of port n + 1 is gone.
    [[nodiscard]] std::uint32_t Turn(std::span<const pollfd, kMax> waiting, std::uint64_t now);

    // A client of port `port`, counted from 1, is on its slot. False: there is no such port.
    [[nodiscard]] bool SetClient(std::size_t port);
    void EndInput();
    [[nodiscard]] bool Drained() const;

 private:
    [[nodiscard]] std::span<PortPump> Pumps() { return std::span(pumps_).first(count_); }

    ConsoleDevice& device_;
    std::size_t count_;
    std::array<PortPump, kMax> pumps_;
};

}  // namespace husk
