// ConsoleDriver: a virtio-console from the driver's side, as Linux has it. To hvc0 it writes piece by piece, and stays
// awake until each is taken; to a named port as many as there are descriptors for, and sleeps when there are no more.
// What comes lies in pages.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "benchmarks/devices/driver_queue.h"
#include "benchmarks/devices/driver_wires.h"
#include "benchmarks/devices/latencies.h"
#include "devices/virtio/console/control_message.h"
#include "devices/virtio/mmio_transport.h"
#include "vmm/base/event_fd.h"
#include "vmm/memory/guest_memory.h"

namespace husk::bench {

struct ConsoleCounts {
    std::uint64_t pieces = 0;  // written; round trips
    std::uint64_t bytes = 0;   // that came, or went out
    DriverWires::Counts wires;
};

class ConsoleDriver {
 public:
    static constexpr std::uint64_t kMemory = 16 << 20;
    static constexpr std::size_t kLargestPiece = 64 << 10;

    // Writes in pieces of `piece` bytes. `named`: to port 1 of a device with MULTIPORT, otherwise to hvc0 of one
    // without.
    ConsoleDriver(const GuestMemory& memory, std::uint32_t piece, bool named, const EventFd& doorbell,
                  const EventFd& interrupt);

    // What to activate the device with.
    [[nodiscard]] Activation Chosen() const;
    // Once it is active and has its client: opens the port, and waits until the host's side of it is open, too.
    void Open();

    // All for `nanoseconds`. Latencies are from a piece until it was taken: of hvc0 only.
    [[nodiscard]] ConsoleCounts Send(std::uint64_t nanoseconds, Latencies& latencies);
    [[nodiscard]] ConsoleCounts Receive(std::uint64_t nanoseconds);
    // One piece at a time, and all of it back; then nothing for `pause` nanoseconds.
    [[nodiscard]] ConsoleCounts Echo(std::uint64_t nanoseconds, std::uint64_t pause, Latencies& latencies);

 private:
    void Tell(ControlEvent event, std::uint32_t port);
    [[nodiscard]] bool HeardThatHostIsOpen();
    void SendAwake(std::uint64_t until, Latencies& latencies, ConsoleCounts& counts);
    void SendAhead(std::uint64_t until, ConsoleCounts& counts);
    void WaitUntilTaken();
    [[nodiscard]] std::uint64_t TakeBytes();

    const GuestMemory& memory_;
    std::uint32_t piece_;
    bool named_;
    DriverWires wires_;
    DriverQueue receive_;
    DriverQueue transmit_;
    DriverQueue control_receive_;
    DriverQueue control_transmit_;
    std::vector<std::uint16_t> free_;  // descriptors of the transmit queue
};

}  // namespace husk::bench
