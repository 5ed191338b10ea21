// SealedWorker: one worker role of husk, started, confined and sealed as husk does it, with this process as its
// launcher and as its vmm. What is between the two in a VM (KVM and the guest's registers) is not there: the doorbell
// and the interrupt are the eventfds themselves.
//
// Roles run from the program that starts them: a program that uses this calls DispatchRole() first thing in main().
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "devices/virtio/mmio_transport.h"
#include "vmm/base/event_fd.h"
#include "vmm/base/result.h"
#include "vmm/machine/role_starter.h"
#include "vmm/memory/guest_memory.h"
#include "vmm/roles/messages.h"
#include "vmm/roles/slots.h"

namespace husk::bench {

// Runs the role that this process was started as, if it was, and does not return then.
void DispatchRole();

class SealedWorker {
 public:
    // Where a role expects what every device has.
    struct WireSlots {
        int vmm;
        int interrupt;
        int doorbell;
    };
    static constexpr WireSlots kBlk{blk_slot::kVmm, blk_slot::kInterrupt, blk_slot::kDoorbell};
    static constexpr WireSlots kNet{net_slot::kVmm, net_slot::kInterrupt, net_slot::kDoorbell};
    static constexpr WireSlots kConsole{console_slot::kVmm, console_slot::kInterrupt, console_slot::kDoorbell};

    // Everything but the role, with `ram` bytes of guest memory. `without`: layers not to apply (for experiments).
    [[nodiscard]] static Result<std::unique_ptr<SealedWorker>> Create(std::uint64_t ram, LayerSet without = {});
    SealedWorker(const SealedWorker&) = delete;
    SealedWorker& operator=(const SealedWorker&) = delete;
    ~SealedWorker();

    // Starts role `kind` with `slots` beside `wires`. Gives back once the role says that it is sealed, with the
    // descriptor of its statistics.
    template <typename Config>
    [[nodiscard]] Result<ScopedFd> Start(const std::string& kind, const WireSlots& wires,
                                         std::vector<SlotAssignment> slots, const Config& config) {
        AddWires(wires, slots);
        const RoleLimits limits{.open_files = kWorkerFiles, .file_size = kUnlimited};
        role_.emplace(HUSK_TRY(starter_->Start(kind, kind + "0", std::move(slots), limits, config)));
        return WaitUntilReady();
    }

    // The driver is ready. Afterwards, the doorbell is to be rung once.
    [[nodiscard]] Result<> Activate(const Activation& activation);
    // The driver resets the device: waits until it has stopped.
    [[nodiscard]] Result<> Stop();

    [[nodiscard]] const GuestMemory& Memory() const { return memory_; }
    [[nodiscard]] const EventFd& Doorbell() const { return doorbell_; }
    [[nodiscard]] const EventFd& Interrupt() const { return interrupt_; }

    // To the role: as its vmm, also before it starts, and as its launcher.
    [[nodiscard]] const Channel& AsVmm() const { return vmm_; }
    [[nodiscard]] const Channel& AsLauncher() const { return role_->channel; }

    // Processor time of all its threads until now, in nanoseconds.
    [[nodiscard]] std::uint64_t CpuNanoseconds() const;
    [[nodiscard]] int Pid() const { return role_->process.pid; }
    // Names of the layers that this host lacks, with commas between them.
    [[nodiscard]] std::string AbsentLayers() const;

 private:
    SealedWorker(GuestMemory memory, Channel vmm, Channel worker, EventFd doorbell, EventFd interrupt);
    void AddWires(const WireSlots& wires, std::vector<SlotAssignment>& slots) const;
    [[nodiscard]] Result<ScopedFd> WaitUntilReady();

    GuestMemory memory_;
    Channel vmm_;                    // our end
    std::optional<Channel> worker_;  // the role's, until it has it
    EventFd doorbell_;
    EventFd interrupt_;
    std::optional<SelinuxConfinement> selinux_;  // none
    std::optional<RoleStarter> starter_;
    std::optional<RoleHandle> role_;
};

}  // namespace husk::bench
