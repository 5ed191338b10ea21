// VcpuGate: where vCPU threads wait while somebody needs them out of the guest, and where they learn that it is over.
//
// Every turn of a run loop passes here, which costs one load while the gate is open. Whoever closes it kicks the vCPUs
// (Vcpu::RequestImmediateExit() and a signal) until all are outside.
#pragma once

#include <atomic>
#include <cstdint>

#include "vmm/base/syscalls.h"

namespace husk {

class VcpuGate {
 public:
    // Closed at first: vCPUs are held until Open().
    VcpuGate() = default;

    // A vCPU's thread, outside of KVM_RUN: waits while the gate is closed; false when the guest is over.
    [[nodiscard]] bool Pass() {
        if (state_.load(std::memory_order_acquire) == kOpen) [[likely]]
            return true;
        Enter();
        Leave();
        return state_.load(std::memory_order_acquire) != kOver;
    }

    // A vCPU's thread that waits in a device for another role: meanwhile it is outside.
    class Outside {
     public:
        explicit Outside(VcpuGate& gate) : gate_(gate) { gate_.Enter(); }
        ~Outside() { gate_.Leave(); }
        Outside(const Outside&) = delete;
        Outside& operator=(const Outside&) = delete;

     private:
        VcpuGate& gate_;
    };

    // The control thread. Over() is final. Close() is false when the gate was not open.
    bool Close() { return Change(kOpen, kClosed); }
    void Open() { Change(kClosed, kOpen); }
    void Over() {
        state_.store(kOver, std::memory_order_seq_cst);
        FutexWake(state_, kEveryThread);
    }
    // How many vCPUs are outside. Once it is all of them after Close(), none enters KVM_RUN before Open().
    [[nodiscard]] std::uint32_t CountOutside() const { return outside_.load(std::memory_order_seq_cst); }

 private:
    static constexpr std::uint32_t kClosed = 0;
    static constexpr std::uint32_t kOpen = 1;
    static constexpr std::uint32_t kOver = 2;

    bool Change(std::uint32_t from, std::uint32_t to) {
        if (!state_.compare_exchange_strong(from, to, std::memory_order_seq_cst)) return false;
        FutexWake(state_, kEveryThread);
        return true;
    }
    void Enter() { outside_.fetch_add(1, std::memory_order_seq_cst); }
    // Leaving and then looking pairs with closing and then counting (all sequentially consistent): either the control
    // thread counts us no more, or we see that it closed the gate, and go back.
    void Leave() {
        while (true) {
            while (state_.load(std::memory_order_acquire) == kClosed) FutexWait(state_, kClosed);
            outside_.fetch_sub(1, std::memory_order_seq_cst);
            if (state_.load(std::memory_order_seq_cst) != kClosed) return;
            Enter();
        }
    }

    std::atomic<std::uint32_t> state_{kClosed};
    std::atomic<std::uint32_t> outside_{0};
};

}  // namespace husk
