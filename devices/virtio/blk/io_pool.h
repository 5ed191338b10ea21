// IoPool: a few threads that wait for the disk in the loop's place.
//
// Tasks are numbers below kMaxTasks, each given to the pool at most once at a time. Both directions are lock-free: a
// ring that the loop fills and threads claim from, and a stack of finished tasks that the loop takes whole. The kernel
// is called only to wake somebody who sleeps: threads by futex, the loop by an eventfd.
//
// Start() allocates; nothing after it does. Submit() and below: the loop thread only.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <thread>
#include <vector>

#include "devices/virtio/blk/io_engine.h"
#include "vmm/base/event_fd.h"
#include "vmm/base/result.h"

namespace husk {

class IoPool final : public IoEngine {
 public:
    // What a thread does with a task. Called on pool threads; must not throw or allocate.
    class Runner {
     public:
        virtual ~Runner() = default;
        virtual void RunTask(Task task) = 0;
    };

    struct Setup {
        std::optional<EventFd> doorbell;  // what the loop is woken by; none: the pool makes one
        std::function<Result<>()> seal;   // called on each thread, once, before its first task; may be empty
    };

    explicit IoPool(Runner& runner) : runner_(runner), doorbell_(ScopedFd()) {}
    IoPool(const IoPool&) = delete;
    IoPool& operator=(const IoPool&) = delete;
    // Waits for tasks that were claimed; others are dropped.
    ~IoPool() override { StopThreads(); }

    // Start-up. Gives back when every thread is past what the C library does at a thread's start (it needs system
    // calls that a sealed process no longer has), and sealed.
    [[nodiscard]] Result<> Start(unsigned threads, Setup setup = {});
    // Ends the threads. For tests and for owners whose runner goes away first.
    void StopThreads();
    [[nodiscard]] bool Running() const { return !threads_.empty(); }
    // -1 before Start().
    [[nodiscard]] int DoorbellFd() const override { return doorbell_.Get(); }

    // Threads that sleep are woken by the next Kick(), for all tasks since the last one.
    void Submit(Task task) override;
    void Kick() override;

    [[nodiscard]] bool HasFinished() const override;
    [[nodiscard]] std::optional<Task> NextFinished() override;

    [[nodiscard]] bool EnableDoorbell() override;
    void DisableDoorbell() override;

 private:
    static constexpr std::uint32_t kNone = 0;  // else a task's number plus one

    void ThreadMain();
    void Serve();
    [[nodiscard]] std::optional<Task> Claim();
    void Finish(Task task);

    Runner& runner_;
    std::function<Result<>()> seal_;
    EventFd doorbell_;
    std::vector<std::thread> threads_;

    // Loop to threads. Positions count on for ever; there are never more than kMaxTasks between them.
    std::array<std::atomic<Task>, kMaxTasks> submitted_{};
    std::uint32_t unsignalled_ = 0;                     // of the loop
    alignas(64) std::atomic<std::uint32_t> tail_{0};    // written by the loop
    alignas(64) std::atomic<std::uint32_t> head_{0};    // claimed by threads
    alignas(64) std::atomic<std::uint32_t> signal_{0};  // what sleeping threads wait for to change
    std::atomic<std::uint32_t> sleepers_{0};
    std::atomic<std::uint32_t> started_{0};
    std::atomic<bool> seal_failed_{false};
    std::atomic<bool> stop_{false};

    // Threads to loop.
    alignas(64) std::atomic<std::uint32_t> finished_{kNone};  // top of the stack
    std::array<std::uint32_t, kMaxTasks> below_{};            // by task: what lies under it
    std::uint32_t in_order_ = kNone;                          // of the loop: taken off the stack, first one first
    std::atomic<bool> loop_sleeps_{false};
    bool doorbell_enabled_ = false;    // of the loop
    std::uint64_t rings_to_take_ = 0;  // of the loop: rung for sure, maybe not yet written
};

}  // namespace husk
