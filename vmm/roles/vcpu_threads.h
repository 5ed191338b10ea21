// VcpuThreads: one thread for each vCPU. They seal themselves, wait at the gate, run once it opens, and can be held or
// stopped at any time. They never end: a thread's end needs system calls that a sealed one does not have, so it sleeps
// until the process is gone.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "vmm/kvm/vcpu_gate.h"
#include "vmm/roles/board.h"
#include "vmm/roles/guest_end.h"
#include "vmm/roles/sealing.h"
#include "vmm/roles/stats_pages.h"

namespace husk {

class VcpuThreads {
 public:
    VcpuThreads() = default;
    VcpuThreads(const VcpuThreads&) = delete;
    VcpuThreads& operator=(const VcpuThreads&) = delete;
    ~VcpuThreads();

    // Starts the threads; gives back once each is sealed and waits at the gate. All arguments must outlive this.
    [[nodiscard]] Result<> Start(Board& board, GuestEnd& end, VmmStats& stats, VcpuGate& gate, const Sealing& sealing);

    // With the gate over: brings every vCPU out of the kernel and waits until its loop has ended; false when one did
    // not within the deadline. No lock is held meanwhile.
    [[nodiscard]] bool Stop(std::uint32_t deadline_milliseconds);

    // With the gate closed: brings every vCPU out of the guest and waits until all are; false when one is not within
    // the deadline.
    [[nodiscard]] bool Hold(std::uint32_t deadline_milliseconds);

 private:
    void ThreadMain(std::uint32_t id, Board& board, GuestEnd& end, VmmStats& stats, VcpuGate& gate,
                    const Sealing& sealing);
    [[nodiscard]] Result<> WaitUntilSealed();

    // Kicks all vCPUs every millisecond until `done` says so.
    template <typename Done>
    [[nodiscard]] bool KickUntil(Done done, std::uint32_t deadline_milliseconds);

    struct Kick {
        std::atomic<std::int32_t> thread{0};  // as gettid(2) gives it
        std::int32_t timer = -1;              // whose expiry is a signal to that thread
    };

    std::vector<std::thread> threads_;
    std::vector<Kick> kicks_;
    std::vector<Vcpu>* vcpus_ = nullptr;
    VcpuGate* gate_ = nullptr;
    std::atomic<std::uint32_t> started_{0};  // threads that are sealed, or could not be
    std::atomic<bool> seal_failed_{false};
    std::atomic<std::uint32_t> running_{0};
    std::atomic<std::uint32_t> pause_{0};  // never changes: to sleep on
};

}  // namespace husk
