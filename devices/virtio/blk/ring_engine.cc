#include "devices/virtio/blk/ring_engine.h"

#include <linux/falloc.h>

#include <cerrno>
#include <utility>
#include <variant>

#include "devices/virtio/blk/blk_answer.h"

namespace husk {
namespace {

static_assert(kBlkTasks <= IoEngine::kMaxTasks);

using Kind = RingOperation::Kind;

RingOperation Moving(Kind kind, const DiskTransfer& transfer) {
    RingOperation operation;
    operation.kind = kind;
    operation.offset = transfer.offset;
    operation.data = transfer.data;
    return operation;
}

RingOperation Allocating(int mode, const DiskRange& range) {
    RingOperation operation;
    operation.kind = Kind::kAllocate;
    operation.allocate_mode = mode | FALLOC_FL_KEEP_SIZE;
    operation.offset = range.offset;
    operation.length = range.length;
    return operation;
}

// How a ring does it; nothing for what it cannot do.
std::optional<RingOperation> OperationOf(const BlkTask& task, const DiskFile& disk) {
    if (const auto* read = std::get_if<BlkRead>(&task.request)) {
        if (!disk.Takes(read->transfer) || read->transfer.length == 0) return std::nullopt;
        return Moving(Kind::kRead, read->transfer);
    }
    if (const auto* write = std::get_if<BlkWrite>(&task.request)) {
        if (!disk.Takes(write->transfer) || write->transfer.length == 0) return std::nullopt;
        return Moving(task.mode == WriteMode::kDurable ? Kind::kDurableWrite : Kind::kWrite, write->transfer);
    }
    if (std::holds_alternative<BlkFlush>(task.request) && disk.Lost() == 0) return RingOperation();
    if (const auto* discard = std::get_if<BlkDiscard>(&task.request)) {
        if (disk.Has(discard->range) && discard->range.length > 0)
            return Allocating(FALLOC_FL_PUNCH_HOLE, discard->range);
    }
    if (const auto* zeroes = std::get_if<BlkWriteZeroes>(&task.request)) {
        const int mode = zeroes->unmap == Unmap::kMay ? FALLOC_FL_PUNCH_HOLE : FALLOC_FL_ZERO_RANGE;
        if (disk.Has(zeroes->range) && zeroes->range.length > 0 && task.mode == WriteMode::kCached)
            return Allocating(mode, zeroes->range);
    }
    return std::nullopt;
}

}  // namespace

void RingEngine::Submit(Task task) {
    const auto operation = OperationOf(tasks_[task], disk_);
    if (!operation) return FinishHere(task);
    ring_.Put(*operation, task);
}

void RingEngine::FinishHere(Task task) {
    CarryOut(tasks_[task], disk_);
    done_[done_count_++] = task;
}

std::optional<IoEngine::Task> RingEngine::NextFinished() {
    if (done_count_ > 0) return done_[--done_count_];
    while (const auto completion = ring_.Next()) {
        const auto task = static_cast<Task>(completion->tag);
        if (Conclude(tasks_[task], completion->result)) return task;
        Submit(task);  // the rest of it
        ring_.Submit();
        if (done_count_ > 0) return done_[--done_count_];
    }
    return std::nullopt;
}

// False: there is more to do.
bool RingEngine::Conclude(BlkTask& task, std::int32_t result) {
    if (result == -EINTR || result == -EAGAIN) return false;
    if (auto* read = std::get_if<BlkRead>(&task.request)) return !MoreToMove(read->transfer, task, result);
    if (auto* write = std::get_if<BlkWrite>(&task.request)) {
        // It flushed as well, and was told of what others had lost.
        if (result == -EIO && task.mode == WriteMode::kDurable) disk_.Lose(EIO);
        return !MoreToMove(write->transfer, task, result);
    }
    task.error = result < 0 ? -result : 0;
    if (task.error == 0) return true;
    if (std::holds_alternative<BlkFlush>(task.request)) disk_.Lose(task.error);
    // The backend knows another way, or that there is nothing to do.
    if (task.error == EOPNOTSUPP) CarryOut(task, disk_);
    return true;
}

bool RingEngine::MoreToMove(DiskTransfer& transfer, BlkTask& task, std::int32_t result) {
    task.error = result < 0 ? -result : 0;
    if (result < 0) return false;
    if (result == 0) task.error = EIO;  // the file ends before the disk does
    transfer.Advance(static_cast<std::size_t>(result));
    return task.error == 0 && transfer.length > 0;
}

}  // namespace husk
