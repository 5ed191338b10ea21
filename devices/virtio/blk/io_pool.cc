#include "devices/virtio/blk/io_pool.h"

#include <algorithm>
#include <system_error>

#include "vmm/base/syscalls.h"

namespace husk {

Result<> IoPool::Start(unsigned threads, Setup setup) {
    doorbell_ =
        setup.doorbell ? *std::move(setup.doorbell) : HUSK_TRY_IN("cannot start the disk's threads", EventFd::Create());
    seal_ = std::move(setup.seal);
    threads_.reserve(threads);
    try {
        while (threads_.size() < threads) threads_.emplace_back([this] { ThreadMain(); });
    } catch (const std::system_error& error) {
        StopThreads();
        return FailOs("cannot start the disk's threads", error.code().value());
    }
    for (std::uint32_t started = 0; started < threads; started = started_.load(std::memory_order_acquire)) {
        FutexWait(started_, started);
    }
    if (!seal_failed_.load(std::memory_order_relaxed)) return {};
    StopThreads();
    return Fail(ErrorKind::kConfinement, "cannot install the seccomp filter of the disk's threads");
}

void IoPool::StopThreads() {
    stop_.store(true, std::memory_order_relaxed);
    signal_.fetch_add(1, std::memory_order_seq_cst);
    FutexWake(signal_, kEveryThread);
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
}

void IoPool::Submit(Task task) {
    const std::uint32_t tail = tail_.load(std::memory_order_relaxed);
    submitted_[tail % kMaxTasks].store(task, std::memory_order_relaxed);
    // Release: pairs with Claim(); whoever sees the position sees the task, and what it is to do.
    tail_.store(tail + 1, std::memory_order_release);
    ++unsignalled_;
}

void IoPool::Kick() {
    if (unsignalled_ == 0) return;
    // Sequentially consistent, as is what ThreadMain() does in the opposite order: either we see a thread counted among
    // the sleepers, or it sees the signal changed and does not sleep.
    signal_.fetch_add(1, std::memory_order_seq_cst);
    if (sleepers_.load(std::memory_order_seq_cst) > 0) FutexWake(signal_, unsignalled_);
    unsignalled_ = 0;
}

void IoPool::ThreadMain() {
    const bool sealed = !seal_ || seal_();
    if (!sealed) seal_failed_.store(true, std::memory_order_relaxed);
    started_.fetch_add(1, std::memory_order_release);
    FutexWake(started_, 1);
    if (sealed) Serve();
}

void IoPool::Serve() {
    for (;;) {
        const std::uint32_t signal = signal_.load(std::memory_order_seq_cst);
        if (stop_.load(std::memory_order_relaxed)) return;
        if (const auto task = Claim()) {
            runner_.RunTask(*task);
            Finish(*task);
            continue;
        }
        sleepers_.fetch_add(1, std::memory_order_seq_cst);
        FutexWait(signal_, signal);
        sleepers_.fetch_sub(1, std::memory_order_relaxed);
    }
}

std::optional<IoPool::Task> IoPool::Claim() {
    // Acquire and release on head_: whoever sees a claim sees the tail that it was made under, or head and tail would
    // differ where nothing is.
    std::uint32_t head = head_.load(std::memory_order_acquire);
    while (head != tail_.load(std::memory_order_acquire)) {
        // Not overwritten as long as nobody claimed it: there are not more tasks than places.
        const Task task = submitted_[head % kMaxTasks].load(std::memory_order_relaxed);
        if (head_.compare_exchange_weak(head, head + 1, std::memory_order_acq_rel)) return task;
    }
    return std::nullopt;
}

void IoPool::Finish(Task task) {
    std::uint32_t top = finished_.load(std::memory_order_relaxed);
    do {
        below_[task] = top;
        // Sequentially consistent together with loop_sleeps_: either we see that the loop sleeps, or the loop sees our
        // task when it looks once more. Releases the task's results to NextFinished().
    } while (!finished_.compare_exchange_weak(top, task + 1U, std::memory_order_seq_cst, std::memory_order_relaxed));
    if (loop_sleeps_.load(std::memory_order_seq_cst) && loop_sleeps_.exchange(false, std::memory_order_seq_cst)) {
        doorbell_.Signal();
    }
}

bool IoPool::HasFinished() const { return in_order_ != kNone || finished_.load(std::memory_order_relaxed) != kNone; }

std::optional<IoPool::Task> IoPool::NextFinished() {
    if (in_order_ == kNone) {
        if (finished_.load(std::memory_order_relaxed) == kNone) return std::nullopt;
        std::uint32_t last = finished_.exchange(kNone, std::memory_order_acquire);
        while (last != kNone) {
            const std::uint32_t before = below_[last - 1];
            below_[last - 1] = in_order_;
            in_order_ = last;
            last = before;
        }
    }
    const auto task = static_cast<Task>(in_order_ - 1);
    in_order_ = below_[task];
    return task;
}

bool IoPool::EnableDoorbell() {
    doorbell_enabled_ = true;
    loop_sleeps_.store(true, std::memory_order_seq_cst);
    return in_order_ != kNone || finished_.load(std::memory_order_seq_cst) != kNone;
}

void IoPool::DisableDoorbell() {
    if (std::exchange(doorbell_enabled_, false) && !loop_sleeps_.exchange(false, std::memory_order_seq_cst)) {
        ++rings_to_take_;
    }
    // A thread may have decided to ring and not done so yet: then this loop is woken once for nothing, and takes it.
    if (rings_to_take_ > 0) rings_to_take_ -= std::min(rings_to_take_, doorbell_.Take());
}

}  // namespace husk
