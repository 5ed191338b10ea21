// VcpuThreads: one thread for each vCPU. They start held at the gate, run once it opens, and can be held or
// stopped at any time.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "vmm/kvm/vcpu_gate.h"
#include "vmm/roles/board.h"
#include "vmm/roles/guest_end.h"
#include "vmm/roles/stats_pages.h"

namespace husk {

class VcpuThreads {
 public:
    // Starts the threads, which wait at the gate. All arguments must outlive this. Start-up: threads allocate.
    [[nodiscard]] Result<> Start(Board& board, GuestEnd& end, VmmStats& stats, VcpuGate& gate);

    // With the gate over: brings every vCPU out of the kernel and waits until its loop has ended; false when one did
    // not within the deadline. No lock is held meanwhile.
    [[nodiscard]] bool Stop(std::uint32_t deadline_milliseconds);

    // With the gate closed: brings every vCPU out of the guest and waits until all are; false when one is not within
    // the deadline.
    [[nodiscard]] bool Hold(std::uint32_t deadline_milliseconds);

    ~VcpuThreads();

 private:
    // Kicks all vCPUs every millisecond until `done` says so.
    template <typename Done>
    [[nodiscard]] bool KickUntil(Done done, std::uint32_t deadline_milliseconds);

    std::vector<std::thread> threads_;
    std::vector<Vcpu>* vcpus_ = nullptr;
    VcpuGate* gate_ = nullptr;
    std::atomic<std::uint32_t> running_{0};
};

}  // namespace husk
