// The run loop: run the guest, answer what it asks, again. One page, to be read aloud.
//
// It is written over an exit source, so that a scripted one can stand in for KVM in tests and benchmarks:
//     VcpuExit Run();                       // a Vcpu, or a script
#pragma once

#include <concepts>
#include <cstdint>

#include "vmm/bus/bus.h"
#include "vmm/kvm/exit_counters.h"
#include "vmm/kvm/vcpu_exit.h"
#include "vmm/kvm/vcpu_gate.h"

namespace husk {

template <typename T>
concept ExitSource = requires(T source) {
    { source.Run() } -> std::same_as<VcpuExit>;
};

// Why a vCPU's loop ended.
struct VcpuEnd {
    enum class Reason : std::uint8_t { kStopped, kTripleFault, kFailed } reason;
    FailedExit failure{};  // with kFailed
    CrashState crash{};    // with kTripleFault
};

class RunLoop {
 public:
    RunLoop(const Bus& ports, const Bus& mmio, ExitCounters& counters, VcpuGate& gate)
        : ports_(ports), mmio_(mmio), counters_(counters), gate_(gate) {}

    // On the vCPU's own thread, until the gate says that it is over (and the vCPU is kicked), or the guest or KVM gives
    // up.
    VcpuEnd Run(ExitSource auto& cpu) {
        while (gate_.Pass()) {
            const VcpuExit exit = cpu.Run();
            if (const auto* pio = std::get_if<PioExit>(&exit)) {
                Handle(*pio);
            } else if (const auto* mmio = std::get_if<MmioExit>(&exit)) {
                Handle(*mmio);
            } else if (std::holds_alternative<InterruptedExit>(exit)) {
                counters_.Count(ExitKind::kInterrupted);
            } else if (std::holds_alternative<EoiExit>(exit)) {
                counters_.Count(ExitKind::kEndOfInterrupt);
            } else if (std::holds_alternative<HaltExit>(exit)) {
                counters_.Count(ExitKind::kOther);
            } else if (const auto* shutdown = std::get_if<ShutdownExit>(&exit)) {
                return {.reason = VcpuEnd::Reason::kTripleFault, .crash = shutdown->state};
            } else {
                return {.reason = VcpuEnd::Reason::kFailed, .failure = std::get<FailedExit>(exit)};
            }
        }
        return {.reason = VcpuEnd::Reason::kStopped};
    }

 private:
    void Handle(const PioExit& pio) {
        counters_.CountAccess(pio.is_write ? ExitKind::kPioWrite : ExitKind::kPioRead, pio.port);
        // A REP-prefixed instruction carries several accesses to the same port.
        for (auto rest = pio.data; !rest.empty(); rest = rest.subspan(pio.size)) {
            const auto access = rest.first(pio.size);
            const bool owned = pio.is_write ? ports_.Write(pio.port, access) : ports_.Read(pio.port, access);
            if (!owned) counters_.CountUnclaimed();
        }
    }

    void Handle(const MmioExit& mmio) {
        const std::uint64_t at = mmio.address.Value();
        counters_.CountAccess(mmio.is_write ? ExitKind::kMmioWrite : ExitKind::kMmioRead, at);
        const bool owned = mmio.is_write ? mmio_.Write(at, mmio.data) : mmio_.Read(at, mmio.data);
        if (!owned) counters_.CountUnclaimed();
    }

    const Bus& ports_;
    const Bus& mmio_;
    ExitCounters& counters_;
    VcpuGate& gate_;
};

}  // namespace husk
