#include "devices/virtio/blk/blk_device.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstdlib>
#include <utility>
#include <variant>

#include "devices/virtio/blk/blk_answer.h"
#include "devices/virtio/blk/blk_config.h"
#include "vmm/base/clock.h"

namespace husk {
namespace {

static_assert(kBlkTasks <= IoPool::kMaxTasks);

// What is given back at once: enough to share an interrupt, not so much that the first ones wait for long.
constexpr std::uint64_t kBatchTasks = 32;
constexpr std::uint64_t kBatchNanoseconds = 100'000;
// How long one Serve() keeps its caller from other descriptors.
constexpr std::uint64_t kServeTasks = 1024;
constexpr std::uint64_t kServeNanoseconds = 1'000'000;

}  // namespace

BlkDevice::BlkDevice(const GuestMemory& memory, DiskBackend& disk, const BlkOptions& options, IrqLine& interrupt,
                     DeviceStats& stats)
    : memory_(memory),
      disk_(disk),
      shape_{.bytes = disk.Bytes(), .block = options.block, .read_only = options.read_only, .sparse = options.sparse},
      initial_writeback_(options.writeback),
      interrupt_(interrupt),
      stats_(stats),
      limits_(options.requests_per_second, options.bytes_per_second, MonotonicNanoseconds()) {
    options.serial.copy(serial_.data(), serial_.size());
}

Result<> BlkDevice::StartPool(unsigned threads, IoPool::Setup setup) {
    if (threads == 0) return {};
    auto pool = std::make_unique<IoPool>(static_cast<IoPool::Runner&>(*this));
    HUSK_TRY(pool->Start(threads, std::move(setup)));
    engine_ = std::move(pool);
    return {};
}

void BlkDevice::StartRing(IoRing ring, DiskFile& disk) {
    engine_ = std::make_unique<RingEngine>(std::move(ring), disk, *tasks_);
}

std::optional<QueueFault> BlkDevice::Activate(const Activation& activation) {
    Deactivate();
    if (const auto fault = queues_.Open(memory_, activation)) {
        queues_.Close();
        return fault;
    }
    shape_.discard = (activation.features & kFeatureBlkDiscard) != 0;
    shape_.write_zeroes = (activation.features & kFeatureBlkWriteZeroes) != 0;
    knows_flush_ = (activation.features & kFeatureBlkFlush) != 0;
    return std::nullopt;
}

bool BlkDevice::Stop() {
    stopping_ = true;
    PublishBatch();  // what was gathered until now
    return Idle();
}

void BlkDevice::Deactivate() {
    if (!Idle()) std::abort();
    if (std::exchange(asleep_, false) && engine_) engine_->DisableDoorbell();
    rings_late_ = false;
    queues_.Close();
    fault_.reset();
    writeback_ = initial_writeback_;
    stopping_ = false;
}

ServeResult BlkDevice::Serve() {
    now_ = MonotonicNanoseconds();
    if (asleep_) WakeUp();
    if (!queues_.AnyOpen()) return ServeResult::kSleep;
    const std::uint64_t until = now_ + kServeNanoseconds;
    const bool was_whole = !fault_;
    began_ = 0;
    for (;;) {
        const bool worked = ServeBatch();
        if (was_whole && fault_) {
            // What is in flight still ends, and is to wake the loop: a driver that broke its queue takes no more turns.
            PublishBatch();
            while (!FallAsleep()) (void)ServeBatch();
            return ServeResult::kFault;
        }
        if (!worked && !Poll()) {
            PublishBatch();
            if (FallAsleep()) return ServeResult::kSleep;
        }
        if (now_ >= until || began_ >= kServeTasks) return ServeResult::kMore;
    }
}

void BlkDevice::WakeUp() {
    asleep_ = false;
    if (std::exchange(rings_late_, false)) rings_.Woken(now_);
    if (engine_) engine_->DisableDoorbell();
    if (!queues_.AnyOpen()) return;
    queues_.DisableNotify();
    if (HasWork()) window_.WorkCame(now_);
}

// What the pool finished, then what the driver wants. True when there was any of it.
bool BlkDevice::ServeBatch() {
    const std::uint64_t began_before = began_;
    const std::uint64_t ended_before = ended_;
    const std::uint64_t until = now_ + kBatchNanoseconds;
    Reap();
    if (queues_.AnyOpen()) queues_.NextTurn();
    if (held_ && PassLimits(*held_)) Begin(*std::exchange(held_, std::nullopt));
    for (std::uint64_t taken = 0; taken < kBatchTasks && now_ < until && MayTake(); ++taken) {
        const auto index = Take();
        if (!index) break;
        if (PassLimits(*index)) {
            Begin(*index);
        } else {
            held_ = index;
        }
        // The first one, the second, the fourth ...: the disk is not to wait for the last of them.
        if (engine_ && std::has_single_bit(taken + 1)) engine_->Kick();
    }
    if (engine_) engine_->Kick();
    const bool ended = ended_ != ended_before;
    // Whoever stops waits for every answer.
    if (ended && (stopping_ || fault_ || !depth_.Gather(ended_, now_))) PublishBatch();
    return ended || began_ != began_before;
}

void BlkDevice::Reap() {
    if (!engine_ || !engine_->HasFinished()) return;
    now_ = MonotonicNanoseconds();
    while (const auto index = engine_->NextFinished()) {
        BlkTask& task = (*tasks_)[*index];
        if (!std::holds_alternative<BlkFlush>(task.request)) {
            End(*index);
            continue;
        }
        const int error = task.error;
        for (const BlkTaskIndex flushed : flushes_.Running()) {
            (*tasks_)[flushed].error = error;
            End(flushed);
        }
        if (const auto next = flushes_.End()) HandOver(*next);
    }
}

std::optional<BlkTaskIndex> BlkDevice::Take() {
    const BlkTaskIndex index = tasks_->Next();
    BlkTask& task = (*tasks_)[index];
    auto popped = queues_.Pop(tasks_->Buffers(index));
    if (!popped) {
        fault_ = popped.error();
        return std::nullopt;
    }
    if (!*popped) return std::nullopt;
    const auto parsed = ParseBlkRequest((*popped)->Readable(), (*popped)->Writable(), shape_);
    if (!parsed) {
        fault_ = QueueFault::kNoRoomForAnswer;  // not even for the status: §5.2.6 has no way to refuse it
        return std::nullopt;
    }
    if (queues_.DriverIsBehind()) depth_.TakenInCompany();
    task.chain.emplace(std::move(**popped));
    task.request = parsed->request;
    task.status = parsed->status;
    task.room = parsed->room;
    task.taken_at = now_;
    task.took = 0;
    task.error = 0;
    // §5.2.6.2: a driver that does not know FLUSH takes every completed write for durable.
    task.mode = knows_flush_ && writeback_ ? WriteMode::kCached : WriteMode::kDurable;
    task.queue = queues_.Turn();
    tasks_->TakeNext();
    ++began_;
    stats_.requests.Add();
    return index;
}

// Whoever stops waits for nothing.
bool BlkDevice::PassLimits(BlkTaskIndex index) {
    if (stopping_ || fault_) return true;
    return !TooManyRanges(index) && (limits_.Unlimited() || limits_.Take((*tasks_)[index].request, now_));
}

std::optional<std::uint64_t> BlkDevice::Pause() {
    if (rings_late_) return RingPolicy::kWait;                 // whoever has fewer under way
    if (!held_ || TooManyRanges(*held_)) return std::nullopt;  // one that ends will ring
    return limits_.Wait((*tasks_)[*held_].request, now_);
}

void BlkDevice::Begin(BlkTaskIndex index) {
    const BlkRequest& request = (*tasks_)[index].request;
    if (std::holds_alternative<BlkRead>(request)) return BeginRead(index);
    if (std::holds_alternative<BlkFlush>(request)) return BeginFlush(index);
    if (std::holds_alternative<BlkWrite>(request)) return BeginWrite(index);
    if (IsRange(request)) ++ranges_;
    if (engine_ && IsRange(request)) return HandOver(index);
    RunHere(index);  // needs no disk
}

// Into the page cache: file systems take one writer at a time, so threads would only stand in line, as long as the disk
// keeps up. A write that is to be durable waits for the disk.
void BlkDevice::BeginWrite(BlkTaskIndex index) {
    const bool waits = disk_.Direct() || (*tasks_)[index].mode == WriteMode::kDurable;
    if (engine_ && (waits || !write_pace_.Quick(now_))) return HandOver(index);
    RunHere(index);
}

void BlkDevice::BeginRead(BlkTaskIndex index) {
    BlkTask& task = (*tasks_)[index];
    if (engine_ && reads_cached_) {
        task.error = disk_.Read(std::get<BlkRead>(task.request).transfer, ReadMode::kOnlyCached);
        if (task.error == EAGAIN) return HandOver(index);
        reads_cached_ = task.error != EOPNOTSUPP;
        if (reads_cached_) {
            now_ = MonotonicNanoseconds();
            return End(index);
        }
    }
    if (!engine_ || read_pace_.Quick(now_)) return RunHere(index);
    HandOver(index);
}

// A flush waits for the disk by its nature: here only if nobody could notice, or no thread is there.
void BlkDevice::BeginFlush(BlkTaskIndex index) {
    if (!engine_ || (Alone() && flush_pace_.Quick(now_))) return RunHere(index);
    if (flushes_.Begin(index)) HandOver(index);
}

void BlkDevice::RunHere(BlkTaskIndex index) {
    BlkTask& task = (*tasks_)[index];
    const std::uint64_t began = now_;
    CarryOut(task, disk_);
    now_ = MonotonicNanoseconds();
    task.took = now_ - began;
    End(index);
}

void BlkDevice::HandOver(BlkTaskIndex index) { engine_->Submit(index); }

void BlkDevice::RunTask(IoPool::Task index) {
    BlkTask& task = (*tasks_)[index];
    const std::uint64_t began = MonotonicNanoseconds();
    CarryOut(task, disk_);
    task.took = MonotonicNanoseconds() - began;
}

void BlkDevice::End(BlkTaskIndex index) {
    BlkTask& task = (*tasks_)[index];
    Account(task);
    if (IsRange(task.request)) --ranges_;
    const BlkAnswer answer = Answer(task, serial_);
    if (answer.status != BlkStatus::kOk) stats_.failed.Add();
    queues_.Push(task.queue, std::move(*task.chain), answer.written);
    stats_.latency.Record(now_ - task.taken_at);
    tasks_->Give(index);
    ++ended_;
}

void BlkDevice::Account(const BlkTask& task) {
    HostFailure failure{.os_errno = task.error, .operation = DiskOperation::kFlush};
    if (const auto* read = std::get_if<BlkRead>(&task.request)) {
        read_pace_.Took(task.took, now_);
        stats_.bytes_out.Add(task.room - read->transfer.length);
        failure = {task.error, DiskOperation::kRead, read->transfer.offset};
    } else if (const auto* write = std::get_if<BlkWrite>(&task.request)) {
        if (task.mode == WriteMode::kCached && !disk_.Direct()) write_pace_.Took(task.took, now_);
        if (task.error == 0) stats_.bytes_in.Add(write->length);
        failure = {task.error, DiskOperation::kWrite, write->transfer.offset};
    } else if (std::holds_alternative<BlkFlush>(task.request)) {
        flush_pace_.Took(task.took, now_);
    } else if (const auto* discard = std::get_if<BlkDiscard>(&task.request)) {
        failure = {task.error, DiskOperation::kDiscard, discard->range.offset};
    } else if (const auto* zeroes = std::get_if<BlkWriteZeroes>(&task.request)) {
        failure = {task.error, DiskOperation::kWriteZeroes, zeroes->range.offset};
    }
    if (task.error != 0) failures_.Record(failure);
}

void BlkDevice::PublishBatch() {
    if (ended_ == 0) return;
    depth_.GivenBack(std::exchange(ended_, 0), now_);
    stats_.batches.Add();
    if (!queues_.Publish()) return;
    stats_.interrupts.Add();
    interrupt_.Pulse();
    now_ = MonotonicNanoseconds();  // a system call lies between
}

// Looks for work for as long as it pays. True when there is some.
bool BlkDevice::Poll() {
    const bool worth_it = window_.Begin(now_) && depth_.Mode() != DepthMode::kSleep;
    const bool could_come = MayTake() || tasks_->InUse() > (held_ ? 1U : 0U);
    if (!worth_it || !could_come) return false;
    for (;;) {
        for (int step = 0; step < 16; ++step) __builtin_ia32_pause();
        const bool found = HasWork();
        now_ = MonotonicNanoseconds();
        if (found) {
            window_.Hit(now_);
            stats_.polls_hit.Add();
            return true;
        }
        if (ended_ > 0 && !depth_.GoOn(ended_, now_)) PublishBatch();
        if (!window_.GoOn(now_)) break;
    }
    stats_.polls_missed.Add();
    return false;
}

// Doorbells on, perhaps for several requests only; false when work came meanwhile.
bool BlkDevice::FallAsleep() {
    const bool finished = engine_ && engine_->EnableDoorbell();
    bool available = false;
    if (MayTake()) {
        // No request waits for others while the disk could have it, beside those that it has.
        const bool may_wait = depth_.Mode() == DepthMode::kSleep && Idle();
        const std::uint16_t several = rings_.RingAfter(may_wait ? began_ : 0, now_);
        rings_late_ = several > 1;
        available = queues_.EnableNotify(several);
    }
    asleep_ = true;
    if (!finished && !available) return true;
    WakeUp();
    return false;
}

}  // namespace husk
