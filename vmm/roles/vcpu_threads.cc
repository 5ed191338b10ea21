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

Result<> VcpuThreads::Start(Board& board, GuestEnd& end, VmmStats& stats, VcpuGate& gate) {
    struct sigaction action{};
    action.sa_handler = OnKick;  // without SA_RESTART
    if (::sigaction(kKickSignal, &action, nullptr) != 0) return FailOs("cannot set up the kick signal");
    vcpus_ = &board.Vcpus();
    gate_ = &gate;
    running_.store(static_cast<std::uint32_t>(vcpus_->size()), std::memory_order_relaxed);
    threads_.reserve(vcpus_->size());
    for (std::uint32_t id = 0; id < vcpus_->size(); ++id) {
        try {
            threads_.emplace_back([this, id, &board, &end, &stats, &gate] {
                NameThread(id);
                if (gate.Pass() && id == 0) stats.first_run.SetOnce();
                RunLoop loop(board.Ports(), board.Mmio(), stats.vcpus[id], gate);
                end.VcpuEnded(id, loop.Run((*vcpus_)[id]));
                running_.fetch_sub(1, std::memory_order_release);
            });
        } catch (const std::system_error& error) {
            return FailOs("cannot start the thread of vCPU " + std::to_string(id), error.code().value());
        }
    }
    return {};
}

template <typename Done>
bool VcpuThreads::KickUntil(Done done, std::uint32_t deadline_milliseconds) {
    for (std::uint32_t waited = 0;; ++waited) {
        for (std::size_t id = 0; id < threads_.size(); ++id) {
            (*vcpus_)[id].RequestImmediateExit();
            ::pthread_kill(threads_[id].native_handle(), kKickSignal);
        }
        // Pairs with the gate: a vCPU that it counts as outside enters KVM_RUN only after it has looked at the gate, or
        // else finds the request above.
        std::atomic_thread_fence(std::memory_order_seq_cst);
        if (done()) return true;
        if (waited >= deadline_milliseconds) return false;
        const timespec pause{0, waited == 0 ? 100'000 : 1'000'000};
        ::nanosleep(&pause, nullptr);
    }
}

bool VcpuThreads::Stop(std::uint32_t deadline_milliseconds) {
    const auto all_ended = [this] { return running_.load(std::memory_order_acquire) == 0; };
    if (!all_ended() && !KickUntil(all_ended, deadline_milliseconds)) return false;
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
    return true;
}

bool VcpuThreads::Hold(std::uint32_t deadline_milliseconds) {
    return KickUntil([this] { return gate_->CountOutside() == threads_.size(); }, deadline_milliseconds);
}

VcpuThreads::~VcpuThreads() {
    for (std::thread& thread : threads_) thread.join();
}

}  // namespace husk
