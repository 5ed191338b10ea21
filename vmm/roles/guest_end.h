// GuestEnd: the first reason why the guest stopped, whoever comes with it. A latch: later reasons change nothing.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

#include "devices/platform/power.h"
#include "vmm/base/event_fd.h"
#include "vmm/kvm/run_loop.h"
#include "vmm/roles/messages.h"

namespace husk {

class GuestEnd final : public PowerSink {
 public:
    using Reason = GuestEnded::Reason;

    // `event` is signalled once a reason is there, and `gate` lets no vCPU into the guest any more.
    GuestEnd(const EventFd& event, VcpuGate& gate) : event_(event), gate_(gate) {}

    // vCPU threads.
    void Poweroff() override { Latch(Reason::kPoweroff, 0, {}); }
    void Reset() override { Latch(Reason::kReset, 0, {}); }
    void VcpuEnded(std::uint32_t vcpu, const VcpuEnd& end) {
        if (end.reason == VcpuEnd::Reason::kTripleFault) Latch(Reason::kTripleFault, vcpu, end);
        if (end.reason == VcpuEnd::Reason::kFailed) Latch(Reason::kKvmFailure, vcpu, end);
    }
    // The control thread, when the launcher asks.
    void Stop() { Latch(Reason::kStopped, 0, {}); }
    // The control thread: a device's worker did not finish its requests in time.
    void DeviceStuck(std::uint32_t device) { Latch(Reason::kDeviceStuck, device, {}); }

    // The control thread, after `event`: the message for the launcher, or nothing when there is no reason yet.
    [[nodiscard]] std::optional<GuestEnded> Report() const;

 private:
    void Latch(Reason reason, std::uint32_t which, const VcpuEnd& end) {
        bool expected = false;
        if (claimed_.compare_exchange_strong(expected, true, std::memory_order_relaxed)) {
            reason_ = reason;
            which_ = which;
            end_ = end;
            ready_.store(true, std::memory_order_release);  // publishes the three to Report()
        }
        gate_.Over();
        event_.Signal();
    }

    const EventFd& event_;
    VcpuGate& gate_;
    std::atomic<bool> claimed_{false};
    std::atomic<bool> ready_{false};
    Reason reason_{};
    std::uint32_t which_ = 0;  // vCPU or device
    VcpuEnd end_{};
};

}  // namespace husk
