// Ioapic: an Intel 82093AA I/O APIC in user space, which turns its redirection table into message routes
// (KVM's split irqchip keeps only the local APICs in the kernel).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>

#include "devices/platform/redirection_entry.h"
#include "vmm/bus/device.h"
#include "vmm/bus/irq.h"

namespace husk {

// Placed at address_map::kIoapic. Pin n is GSI n. All pins start masked. There is no EOI register: version
// 0x11 has none, and edges need none.
//
// The router is called, under the lock, exactly when the message a pin delivers changes: each call costs a
// kernel-wide synchronisation, and Linux rewrites masked entries several times while it starts.
class Ioapic final : public BusDevice {
 public:
    static constexpr std::size_t kMaxPins = 24;

    // 1 to kMaxPins pins, else this aborts. A guest spends several exits on each pin: give it those in use.
    // `router` must outlive the Ioapic.
    Ioapic(std::size_t pins, IrqRouter& router);

    // BusDevice. The registers are 32 bits wide: IOREGSEL may also be accessed in part, from its first byte,
    // and IOWIN be read in part; every other access is ignored or reads all ones.
    void Read(std::uint64_t offset, std::span<std::byte> data) override;
    void Write(std::uint64_t offset, std::span<const std::byte> data) override;

 private:
    // With mutex_ held. `index` is guest-chosen.
    [[nodiscard]] std::uint32_t ReadIndexed(std::uint8_t index) const;
    void WriteIndexed(std::uint8_t index, std::uint32_t value);
    void UpdateRoute(std::size_t pin);

    const std::size_t pins_;
    IrqRouter& router_;
    std::mutex mutex_;
    std::uint8_t selected_ = 0;
    std::uint32_t id_ = 0;
    std::array<RedirectionEntry, kMaxPins> entries_;
    std::array<std::optional<MsiMessage>, kMaxPins> routed_;  // what the router was last told for each pin
};

}  // namespace husk
