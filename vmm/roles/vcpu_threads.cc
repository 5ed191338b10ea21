#include "vmm/roles/vcpu_threads.h"

#include <pthread.h>
#include <sys/prctl.h>

#include <csignal>
#include <cstdio>
#include <ctime>
#include <system_error>

#include "vmm/kvm/run_loop.h"

namespace husk {
namespace {

// Only its arrival matters: it ends KVM_RUN.
constexpr int kKickSignal = SIGUSR2;
void OnKick(int) {}

void NameThread(std::uint32_t id) {
    char name[16];
    std::snprintf(name, sizeof name, "vcpu%u", id);
    ::prctl(PR_SET_NAME, name);
}

}  // namespace

Result<> VcpuThreads::Start(Board& board, GuestEnd& end, VmmStats& stats, const std::atomic<bool>& stop) {
    struct sigaction action{};
    action.sa_handler = OnKick;  // without SA_RESTART
    if (::sigaction(kKickSignal, &action, nullptr) != 0) return FailOs("cannot set up the kick signal");
    vcpus_ = &board.Vcpus();
    running_.store(static_cast<std::uint32_t>(vcpus_->size()), std::memory_order_relaxed);
    threads_.reserve(vcpus_->size());
    for (std::uint32_t id = 0; id < vcpus_->size(); ++id) {
        try {
            threads_.emplace_back([this, id, &board, &end, &stats, &stop] {
                NameThread(id);
                released_.wait(0, std::memory_order_acquire);
                if (id == 0) stats.first_run.SetOnce();
                RunLoop loop(board.Ports(), board.Mmio(), stats.vcpus[id], stop);
                end.VcpuEnded(id, loop.Run((*vcpus_)[id]));
                running_.fetch_sub(1, std::memory_order_release);
            });
        } catch (const std::system_error& error) {
            return FailOs("cannot start the thread of vCPU " + std::to_string(id), error.code().value());
        }
    }
    return {};
}

void VcpuThreads::Release() {
    released_.store(1, std::memory_order_release);
    released_.notify_all();
}

bool VcpuThreads::Stop(std::uint32_t deadline_milliseconds) {
    Release();  // those that were still held see `stop` first
    for (std::uint32_t waited = 0;; ++waited) {
        if (running_.load(std::memory_order_acquire) == 0) {
            for (std::thread& thread : threads_) thread.join();
            threads_.clear();
            return true;
        }
        if (waited >= deadline_milliseconds) return false;
        for (std::size_t id = 0; id < threads_.size(); ++id) {
            (*vcpus_)[id].RequestImmediateExit();
            ::pthread_kill(threads_[id].native_handle(), kKickSignal);
        }
        const timespec millisecond{0, 1'000'000};
        ::nanosleep(&millisecond, nullptr);
    }
}

VcpuThreads::~VcpuThreads() {
    for (std::thread& thread : threads_) thread.join();
}

}  // namespace husk
