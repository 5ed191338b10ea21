// DeviceControl: what stands between the registers of a virtio device (vCPU threads) and its worker (another process):
// it carries activation and reset over, by way of the control thread, which alone sends and receives messages.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

#include "devices/virtio/mmio_transport.h"
#include "vmm/base/event_fd.h"
#include "vmm/kvm/vcpu_gate.h"
#include "vmm/roles/mailbox.h"
#include "vmm/roles/stats_pages.h"

namespace husk {

class DeviceControl final : public TransportHost {
 public:
    // How long a worker may take to end what is in flight after a reset.
    static constexpr std::uint64_t kResetDeadlineNanoseconds = 30'000'000'000;

    // `doorbell` is the worker's, `wake_control` wakes the control thread. All must outlive this.
    DeviceControl(Channel channel, const EventFd& doorbell, const EventFd& wake_control, VcpuGate& gate,
                  VirtioDeviceStats& stats)
        : channel_(std::move(channel)), doorbell_(doorbell), wake_control_(wake_control), gate_(gate), stats_(stats) {}

    // vCPU threads.
    void Activate(const Activation& activation) override;
    void Reset() override;
    void Configure(bool value) override;
    void Notify(std::uint32_t) override { doorbell_.Signal(); }

    // The control thread.
    [[nodiscard]] const Channel& Worker() const { return channel_; }
    // Sends the worker what vCPUs asked for since the last call.
    void Forward();
    // The worker answered a StopDevice, or a ConfigureDevice.
    void Stopped();
    void Configured();
    // True when a reset has taken longer than it may at `now` (CLOCK_MONOTONIC, nanoseconds).
    [[nodiscard]] bool Overdue(std::uint64_t now) const { return deadline_ && now > *deadline_; }
    [[nodiscard]] bool Resetting() const { return deadline_.has_value(); }
    // The VM is over: nobody waits for this device any more.
    void Abandon();

 private:
    enum class Wish : std::uint32_t { kNone, kActivate, kReset };
    // Of answer_, a futex.
    static constexpr std::uint32_t kNoAnswer = 0;
    static constexpr std::uint32_t kStopped = 1;
    static constexpr std::uint32_t kAbandoned = 2;
    static constexpr std::uint32_t kNothing = 0;

    Channel channel_;
    const EventFd& doorbell_;
    const EventFd& wake_control_;
    VcpuGate& gate_;
    VirtioDeviceStats& stats_;
    Activation activation_;  // written before wish_ becomes kActivate, and not again before the reset that follows
    std::atomic<Wish> wish_{Wish::kNone};
    std::atomic<std::uint32_t> answer_{kNoAnswer};
    // A configuration to be forwarded (its value plus one), or none; and one that is under way: a futex.
    std::atomic<std::uint32_t> configuration_{kNothing};
    std::atomic<std::uint32_t> configuring_{0};
    std::optional<std::uint64_t> deadline_;  // of the control thread: a StopDevice is under way
};

}  // namespace husk
