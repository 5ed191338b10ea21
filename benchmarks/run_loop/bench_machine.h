// The machine that a benchmark guest finds inside a benchmark: nothing but what is measured, made of husk's own
// classes.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "benchmarks/run_loop/answering_worker.h"
#include "vmm/base/event_fd.h"
#include "vmm/bus/bus.h"
#include "vmm/bus/device.h"
#include "vmm/kvm/irq_routes.h"
#include "vmm/kvm/kvm.h"
#include "vmm/kvm/vcpu.h"
#include "vmm/kvm/vcpu_gate.h"
#include "vmm/kvm/vm.h"
#include "vmm/memory/guest_memory.h"

namespace husk::bench {

// Where things are. The register page is a read-only memory slot, as virtio devices have it; the two pages behind it
// are nobody's memory.
inline constexpr std::uint16_t kConsolePort = 0x3f8;
inline constexpr std::uint16_t kScratchPort = 0x3ff;
inline constexpr std::uint64_t kRegisterPage = 0xd000'0000;
inline constexpr std::uint64_t kPageDoorbell = kRegisterPage + 0x50;      // an eventfd that nobody reads
inline constexpr std::uint64_t kLoopbackDoorbell = kRegisterPage + 0x54;  // the eventfd is an interrupt's at once
inline constexpr std::uint64_t kWorkerDoorbell = kRegisterPage + 0x58;    // a worker process answers with an interrupt
inline constexpr std::uint64_t kTrappedRegister = 0xd000'1000;            // a device's, no memory behind it
inline constexpr std::uint64_t kTrappedDoorbell = 0xd000'1010;            // the device wakes the worker
inline constexpr std::uint64_t kUnmappedDoorbell = 0xd000'2000;           // like kPageDoorbell, no memory behind it

// Text from the guest, line by line; reads find an idle 8250.
class LineConsole final : public BusDevice {
 public:
    // A complete line puts an end to `gate`, when there is one.
    explicit LineConsole(std::optional<VcpuGate>& gate) : gate_(gate) {}
    void Read(std::uint64_t offset, std::span<std::byte> data) override;
    void Write(std::uint64_t offset, std::span<const std::byte> data) override;
    [[nodiscard]] bool HasLine() const { return line_.ends_with('\n'); }
    // The line, without its end; a new one begins.
    [[nodiscard]] std::string Take();

 private:
    std::optional<VcpuGate>& gate_;
    std::string line_;
};

// Two registers: storage, and a doorbell.
class TrappedDevice final : public BusDevice {
 public:
    explicit TrappedDevice(const EventFd& doorbell) : doorbell_(doorbell) {}
    void Read(std::uint64_t offset, std::span<std::byte> data) override;
    void Write(std::uint64_t offset, std::span<const std::byte> data) override;

 private:
    const EventFd& doorbell_;
    std::uint32_t value_ = 0;
};

// Does not move: its parts refer to each other.
class BenchMachine {
 public:
    // One vCPU before the first instruction of the ELF file `guest`, which is given `command_line`.
    [[nodiscard]] static Result<std::unique_ptr<BenchMachine>> Create(const std::string& guest,
                                                                      std::string_view command_line);

    std::optional<VcpuGate> gate;  // one for each stretch of husk's run loop
    LineConsole console{gate};

    [[nodiscard]] Vcpu& Cpu() { return cpu_; }
    [[nodiscard]] std::size_t VcpuMapSize() const { return vcpu_map_size_; }
    [[nodiscard]] const Bus& Ports() const { return ports_; }
    [[nodiscard]] const Bus& Mmio() const { return mmio_; }
    [[nodiscard]] const EventFd& Doorbell() const { return worker_doorbell_; }

 private:
    struct Parts;
    BenchMachine(Parts&& parts, Vcpu&& cpu);
    [[nodiscard]] Result<> Wire();

    Vm vm_;
    GuestMemory memory_;
    Vcpu cpu_;
    std::size_t vcpu_map_size_;
    EventFd unread_;
    EventFd loopback_;
    EventFd worker_doorbell_;
    EventFd worker_interrupt_;
    IrqRoutes routes_{vm_};
    TrappedDevice trapped_{worker_doorbell_};
    Bus ports_;
    Bus mmio_;
    std::unique_ptr<AnsweringWorker> worker_;
};

}  // namespace husk::bench
