#include "vmm/roles/device_control.h"

#include "vmm/base/clock.h"
#include "vmm/base/syscalls.h"

namespace husk {

void DeviceControl::Activate(const Activation& activation) {
    stats_.driver_ok.SetOnce();
    activation_ = activation;
    // Release: pairs with the exchange in Forward(), which then sees the activation.
    wish_.store(Wish::kActivate, std::memory_order_release);
    wake_control_.Signal();
}

void DeviceControl::Reset() {
    stats_.resets.Add();
    std::uint32_t old = kStopped;
    answer_.compare_exchange_strong(old, kNoAnswer, std::memory_order_relaxed);
    wish_.store(Wish::kReset, std::memory_order_release);
    wake_control_.Signal();
    // While we wait, the control thread may want all vCPUs out of the guest, and this one is.
    const VcpuGate::Outside outside(gate_);
    // Acquire: pairs with Stopped(); what the worker wrote to guest memory is there.
    while (answer_.load(std::memory_order_acquire) == kNoAnswer) FutexWait(answer_, kNoAnswer);
}

// A worker answers at once, whatever is in flight. Once the VM is over, nobody does: the flag falls then, too.
void DeviceControl::Configure(bool value) {
    // Sequentially consistent, as is Abandon() in the opposite order: either we see that nobody will answer, or it
    // falls.
    configuring_.store(1, std::memory_order_seq_cst);
    if (answer_.load(std::memory_order_seq_cst) == kAbandoned) return;
    configuration_.store(value ? 2 : 1, std::memory_order_release);
    wake_control_.Signal();
    const VcpuGate::Outside outside(gate_);
    while (configuring_.load(std::memory_order_acquire) != 0) FutexWait(configuring_, 1);
}

void DeviceControl::Configured() {
    configuring_.store(0, std::memory_order_seq_cst);
    FutexWake(configuring_, kEveryThread);
}

void DeviceControl::Forward() {
    // This one first: what it configures was activated before.
    const std::uint32_t configuration = configuration_.exchange(kNothing, std::memory_order_acq_rel);
    const Wish wish = wish_.exchange(Wish::kNone, std::memory_order_acq_rel);
    // A worker that cannot be reached is a dead one: the launcher ends the VM.
    if (wish == Wish::kActivate) PostMessage(channel_, ActivateDevice{activation_});
    if (configuration != kNothing) PostMessage(channel_, ConfigureDevice{configuration - 1});
    if (wish == Wish::kReset) {
        deadline_ = MonotonicNanoseconds() + kResetDeadlineNanoseconds;
        PostMessage(channel_, StopDevice{});
    }
}

void DeviceControl::Stopped() {
    if (!deadline_) return;  // nobody asked
    deadline_.reset();
    std::uint32_t none = kNoAnswer;
    answer_.compare_exchange_strong(none, kStopped, std::memory_order_release);
    FutexWake(answer_, kEveryThread);
}

void DeviceControl::Abandon() {
    answer_.store(kAbandoned, std::memory_order_seq_cst);
    FutexWake(answer_, kEveryThread);
    Configured();
}

}  // namespace husk
