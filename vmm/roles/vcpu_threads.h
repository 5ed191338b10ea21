// VcpuThreads: one thread for each vCPU. They start held, run once released, and can be stopped at any time.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "vmm/roles/board.h"
#include "vmm/roles/guest_end.h"
#include "vmm/roles/stats_pages.h"

namespace husk {

class VcpuThreads {
 public:
    // Starts the threads, which wait for Release(). All arguments must outlive this. Start-up: threads allocate.
    [[nodiscard]] Result<> Start(Board& board, GuestEnd& end, VmmStats& stats, const std::atomic<bool>& stop);

    // Lets the guest run.
    void Release();

    // With `stop` set: brings every vCPU out of the kernel and waits until its loop has ended; false when one did not
    // within the deadline. No lock is held meanwhile.
    [[nodiscard]] bool Stop(std::uint32_t deadline_milliseconds);

    ~VcpuThreads();

 private:
    std::vector<std::thread> threads_;
    std::vector<Vcpu>* vcpus_ = nullptr;
    std::atomic<std::uint32_t> released_{0};
    std::atomic<std::uint32_t> running_{0};
};

}  // namespace husk
