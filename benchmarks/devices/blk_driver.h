// BlkDriver: keeps a block device busy with `depth` requests of one kind, as a guest with one busy CPU does: all that
// ended is taken, as many are begun anew, the doorbell is rung if the device wants it, and with nothing to do the
// thread sleeps until the interrupt. Requests lie in indirect tables that are written once: only the sector changes.
#pragma once

#include <cstdint>
#include <vector>

#include "benchmarks/devices/driver_queue.h"
#include "benchmarks/devices/driver_wires.h"
#include "benchmarks/devices/latencies.h"
#include "devices/virtio/mmio_transport.h"
#include "vmm/base/event_fd.h"
#include "vmm/memory/guest_memory.h"

namespace husk::bench {

struct BlkLoad {
    bool write = false;
    bool random = true;
    std::uint32_t block = 4096;  // bytes of a request
    std::uint32_t depth = 1;     // of all queues together
    std::uint32_t queues = 1;
    std::uint64_t disk = 0;  // bytes of it that are used
};

struct BlkCounts {
    std::uint64_t requests = 0;
    std::uint64_t failed = 0;
    DriverWires::Counts wires;
};

class BlkDriver {
 public:
    // Guest memory that it needs.
    [[nodiscard]] static std::uint64_t MemoryFor(const BlkLoad& load);

    BlkDriver(const GuestMemory& memory, const BlkLoad& load, const EventFd& doorbell, const EventFd& interrupt);

    // What to activate the device with.
    [[nodiscard]] Activation Chosen() const;

    // Begins requests, for `nanoseconds`. Those under way at the end stay so for the next Run().
    [[nodiscard]] BlkCounts Run(std::uint64_t nanoseconds, Latencies& latencies);
    // Waits for those under way.
    [[nodiscard]] BlkCounts Finish(Latencies& latencies);

 private:
    // One for each request that can be under way.
    struct Slot {
        std::byte* sector = nullptr;        // in its header
        const std::byte* status = nullptr;  // its last byte
        std::uint64_t began = 0;
    };
    struct Lane {
        DriverQueue queue;
        std::vector<Slot> slots;           // by descriptor
        std::vector<std::uint16_t> ready;  // to be begun
    };

    void MakeSlot(const GuestMemory& memory, Lane& lane, std::uint16_t number, GuestAddress& next);
    [[nodiscard]] std::uint64_t NextSector();
    void Begin(Lane& lane, std::uint64_t now);
    [[nodiscard]] bool Take(Lane& lane, std::uint64_t now, BlkCounts& counts, Latencies& latencies);
    [[nodiscard]] bool EnableInterrupts();

    BlkLoad load_;
    DriverWires wires_;
    std::vector<Lane> lanes_;
    std::uint64_t under_way_ = 0;
    std::uint64_t blocks_;
    std::uint64_t position_ = 0;
    std::uint64_t random_ = 0x9e3779b97f4a7c15;
};

}  // namespace husk::bench
