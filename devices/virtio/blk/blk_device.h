// BlkDevice: the data path of one virtio-blk device (Virtio 1.2 §5.2), in the device's worker process.
//
// One loop thread owns the queues. What the host has in its page cache is answered on the spot; what would wait for the
// disk goes to an engine (a small pool of threads, or an io_uring), and the loop goes on. Requests come back in the
// order in which they end. The owner of the loop calls Serve() when the doorbell or CompletionFd() rings and sleeps
// only when told so.
//
//     worker starts   StartPool() or StartRing(), then the process is sealed
//     driver ready    Activate(), Serve() ... until kSleep, wait, Serve() ...
//     driver resets   Stop(), Serve() whenever CompletionFd() rings until Idle(), Deactivate()
//
// After that nothing allocates. All calls: the loop thread.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "devices/host/disk_backend.h"
#include "devices/virtio/blk/blk_limits.h"
#include "devices/virtio/blk/blk_queues.h"
#include "devices/virtio/blk/blk_request.h"
#include "devices/virtio/blk/blk_task.h"
#include "devices/virtio/blk/depth_policy.h"
#include "devices/virtio/blk/flush_group.h"
#include "devices/virtio/blk/host_failures.h"
#include "devices/virtio/blk/io_engine.h"
#include "devices/virtio/blk/io_pool.h"
#include "devices/virtio/blk/pace.h"
#include "devices/virtio/blk/poll_window.h"
#include "devices/virtio/blk/ring_engine.h"
#include "devices/virtio/blk/ring_policy.h"
#include "devices/virtio/device_stats.h"
#include "devices/virtio/mmio_transport.h"
#include "devices/virtio/serve_result.h"
#include "vmm/base/result.h"
#include "vmm/bus/irq.h"
#include "vmm/memory/guest_memory.h"

namespace husk {

struct BlkOptions {
    bool read_only = false;
    std::string_view serial = {};           // the first kBlkIdBytes bytes are what a guest can ask for
    bool writeback = true;                  // false: every write is durable, until the driver asks for something else
    std::uint32_t block = kBlkSectorBytes;  // bytes: requests are made of such blocks
    bool sparse = false;                    // of DiskShape
    std::uint64_t requests_per_second = 0;  // 0: no limit; flushes do not count
    std::uint64_t bytes_per_second = 0;     // read and written; likewise
};

class BlkDevice final : private IoPool::Runner {
 public:
    static constexpr unsigned kDefaultThreads = 4;
    static constexpr unsigned kRingEntries = kBlkTasks;

    // All of them must outlive this. `disk` may be called from pool threads.
    BlkDevice(const GuestMemory& memory, DiskBackend& disk, const BlkOptions& options, IrqLine& interrupt,
              DeviceStats& stats);
    BlkDevice(const BlkDevice&) = delete;
    BlkDevice& operator=(const BlkDevice&) = delete;
    ~BlkDevice() override = default;

    // Start-up, before this thread is sealed: what waits for the disk. One of the two; without, all I/O happens inside
    // Serve(). Gives back when the pool's threads are past their own start.
    [[nodiscard]] Result<> StartPool(unsigned threads = kDefaultThreads, IoPool::Setup setup = {});
    // `ring` is on the file of `disk`, the disk of this device.
    void StartRing(IoRing ring, DiskFile& disk);
    // Readable when the engine has finished something while the loop sleeps. -1 without an engine.
    [[nodiscard]] int CompletionFd() const { return engine_ ? engine_->DoorbellFd() : -1; }

    // The driver is ready. Serve() is to be called next: requests may wait already.
    [[nodiscard]] std::optional<QueueFault> Activate(const Activation& activation);
    // Does what there is to do, for about a millisecond at most, polling a little before it asks to sleep. When there
    // is much at a time, answers may wait for company within it, never while the loop sleeps; and the driver may be
    // asked to ring for several requests only: see Pause().
    [[nodiscard]] ServeResult Serve();
    // When Serve() is to be called again though nothing rings: a request waits for its turn under the limits, or for
    // others. Nanoseconds from now.
    [[nodiscard]] std::optional<std::uint64_t> Pause();
    // What broke a queue, until Deactivate().
    [[nodiscard]] std::optional<QueueFault> Fault() const { return fault_; }

    // Takes no more requests from now on, and gives back what waited for company. True when none is in flight.
    bool Stop();
    // No request is in flight. Once stopped: nothing of ours touches guest memory any more.
    [[nodiscard]] bool Idle() const { return tasks_->InUse() == 0; }
    // Forgets the queues, and what the driver configured. Only when stopped (or never active) and idle.
    void Deactivate();

    // The driver wants completed writes to be durable (false) or not. For requests that are taken from now on.
    void SetWriteback(bool writeback) { writeback_ = writeback; }
    // The disk has another size. Requests that were taken go by the old one.
    void Resize(std::uint64_t bytes) { shape_.bytes = bytes; }

    // A failure of the host's I/O that has not been told yet; each (operation, errno) comes once in a lifetime.
    [[nodiscard]] std::optional<HostFailure> TakeHostFailure() { return failures_.Take(); }

 private:
    // Whether a chain may be taken off the queue.
    [[nodiscard]] bool MayTake() const {
        return queues_.AnyOpen() && !stopping_ && !fault_ && !held_ && tasks_->AnyFree();
    }
    [[nodiscard]] bool HasWork() const {
        return (engine_ && engine_->HasFinished()) || (MayTake() && queues_.HasAvailable());
    }

    void WakeUp();
    [[nodiscard]] bool ServeBatch();
    void Reap();
    [[nodiscard]] std::optional<BlkTaskIndex> Take();
    [[nodiscard]] bool TooManyRanges(BlkTaskIndex index) const {
        return ranges_ >= kBlkMaxRangesUnderWay && IsRange((*tasks_)[index].request);
    }
    // False: it is held until the limits let it through.
    [[nodiscard]] bool PassLimits(BlkTaskIndex index);
    void Begin(BlkTaskIndex index);
    void BeginRead(BlkTaskIndex index);
    void BeginWrite(BlkTaskIndex index);
    [[nodiscard]] bool Alone() const { return tasks_->InUse() == 1 && !queues_.HasAvailable(); }
    void BeginFlush(BlkTaskIndex index);
    void RunHere(BlkTaskIndex index);
    void HandOver(BlkTaskIndex index);
    void RunTask(IoPool::Task index) override;  // pool threads; touches that task and the disk, nothing else
    void End(BlkTaskIndex index);
    void Account(const BlkTask& task);
    void PublishBatch();
    [[nodiscard]] bool Poll();
    [[nodiscard]] bool FallAsleep();

    const GuestMemory& memory_;
    DiskBackend& disk_;
    DiskShape shape_;
    const bool initial_writeback_;
    std::array<char, kBlkIdBytes> serial_{};
    IrqLine& interrupt_;
    DeviceStats& stats_;

    BlkQueues queues_;
    std::optional<QueueFault> fault_;
    bool knows_flush_ = false;  // the driver does
    bool writeback_ = initial_writeback_;
    bool stopping_ = false;
    bool asleep_ = false;       // told so: doorbells are on
    bool rings_late_ = false;   // and come for several requests only
    bool reads_cached_ = true;  // the backend can tell what would wait
    std::uint64_t now_ = 0;     // the clock when last read
    std::uint64_t began_ = 0;   // requests taken in this Serve()
    std::uint64_t ended_ = 0;   // requests given back since the last PublishBatch()

    std::unique_ptr<BlkTasks> tasks_ = std::make_unique<BlkTasks>();
    FlushGroup flushes_;
    Pace read_pace_{200'000, 20'000'000};       // asked when the backend cannot tell what is cached
    Pace write_pace_{10'000'000, 100'000'000};  // longer than being preempted on a busy host
    Pace flush_pace_{200'000, 5'000'000'000};
    HostFailures failures_;
    PollWindow window_;
    DepthPolicy depth_;
    RingPolicy rings_;
    BlkLimits limits_;
    std::optional<BlkTaskIndex> held_;
    unsigned ranges_ = 0;  // discards and zeroes under way
    std::unique_ptr<IoEngine> engine_;
};

}  // namespace husk
