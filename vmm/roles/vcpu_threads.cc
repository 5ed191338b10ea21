#include "vmm/roles/vcpu_threads.h"

#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <ctime>
#include <system_error>

#include "vmm/base/syscalls.h"
#include "vmm/kvm/run_loop.h"
#include "vmm/roles/filters/filters.h"
#include "vmm/roles/slots.h"

namespace husk {
namespace {

// Only its arrival matters: it ends KVM_RUN.
constexpr int kKickSignal = SIGUSR2;
void OnKick(int) {}

constexpr std::uint64_t kMillisecond = 1'000'000;

void NameThread(std::uint32_t id) {
    char name[16];
    std::snprintf(name, sizeof name, "vcpu%u", id);
    ::prctl(PR_SET_NAME, name);
}

// A timer of the process whose expiry signals one of its threads. A sealed role kicks by it, since tgkill(2) could
// reach other processes as well.
Result<std::int32_t> CreateKickTimer(std::int32_t thread) {
    sigevent event{};
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_signo = kKickSignal;
    event._sigev_un._tid = thread;
    std::int32_t timer = -1;
    if (::syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &timer) != 0) return FailOs("cannot create a kick timer");
    return timer;
}

void Fire(std::int32_t timer) {
    const itimerspec at_once{{0, 0}, {0, 1}};
    RawSyscall(SYS_timer_settime, timer, 0, &at_once, nullptr);
}

}  // namespace

Result<> VcpuThreads::Start(Board& board, GuestEnd& end, VmmStats& stats, VcpuGate& gate, const Sealing& sealing) {
    struct sigaction action{};
    action.sa_handler = OnKick;  // without SA_RESTART
    if (::sigaction(kKickSignal, &action, nullptr) != 0) return FailOs("cannot set up the kick signal");
    vcpus_ = &board.Vcpus();
    gate_ = &gate;
    running_.store(static_cast<std::uint32_t>(vcpus_->size()), std::memory_order_relaxed);
    threads_.reserve(vcpus_->size());
    kicks_ = std::vector<Kick>(vcpus_->size());
    for (std::uint32_t id = 0; id < vcpus_->size(); ++id) {
        try {
            threads_.emplace_back([this, id, &board, &end, &stats, &gate, &sealing] {
                ThreadMain(id, board, end, stats, gate, sealing);
            });
        } catch (const std::system_error& error) {
            return FailOs("cannot start the thread of vCPU " + std::to_string(id), error.code().value());
        }
    }
    return WaitUntilSealed();
}

void VcpuThreads::ThreadMain(std::uint32_t id, Board& board, GuestEnd& end, VmmStats& stats, VcpuGate& gate,
                             const Sealing& sealing) {
    NameThread(id);
    kicks_[id].thread.store(::gettid(), std::memory_order_relaxed);
    if (!sealing.SealThread(filters::Vcpu(id))) seal_failed_.store(true, std::memory_order_relaxed);
    started_.fetch_add(1, std::memory_order_release);
    FutexWake(started_, 1);
    if (gate.Pass() && id == 0) stats.first_run.SetOnce();
    RunLoop loop(board.Ports(), board.Mmio(), stats.vcpus[id], gate);
    end.VcpuEnded(id, loop.Run((*vcpus_)[id]));
    running_.fetch_sub(1, std::memory_order_release);
    for (;;) FutexWait(pause_, 0);
}

Result<> VcpuThreads::WaitUntilSealed() {
    for (std::uint32_t started = 0; started < threads_.size(); started = started_.load(std::memory_order_acquire)) {
        FutexWait(started_, started);
    }
    if (seal_failed_.load(std::memory_order_relaxed)) {
        return Fail(ErrorKind::kConfinement, "cannot install the seccomp filter of a vCPU");
    }
    for (Kick& kick : kicks_) kick.timer = HUSK_TRY(CreateKickTimer(kick.thread.load(std::memory_order_relaxed)));
    return {};
}

template <typename Done>
bool VcpuThreads::KickUntil(Done done, std::uint32_t deadline_milliseconds) {
    for (std::uint32_t waited = 0;; ++waited) {
        for (std::size_t id = 0; id < threads_.size(); ++id) {
            (*vcpus_)[id].RequestImmediateExit();
            Fire(kicks_[id].timer);
        }
        // Pairs with the gate: a vCPU that it counts as outside enters KVM_RUN only after it has looked at the gate, or
        // else finds the request above.
        std::atomic_thread_fence(std::memory_order_seq_cst);
        if (done()) return true;
        if (waited >= deadline_milliseconds) return false;
        FutexWait(pause_, 0, waited == 0 ? kMillisecond / 10 : kMillisecond);
    }
}

bool VcpuThreads::Stop(std::uint32_t deadline_milliseconds) {
    const auto all_ended = [this] { return running_.load(std::memory_order_acquire) == 0; };
    return all_ended() || KickUntil(all_ended, deadline_milliseconds);
}

bool VcpuThreads::Hold(std::uint32_t deadline_milliseconds) {
    return KickUntil([this] { return gate_->CountOutside() == threads_.size(); }, deadline_milliseconds);
}

// Only on the way to the end of the process.
VcpuThreads::~VcpuThreads() {
    for (std::thread& thread : threads_) thread.detach();
}

}  // namespace husk
