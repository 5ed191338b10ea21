// RingEngine: disk requests by io_uring (devices/host/io_ring.h). As many are under way as there are tasks, and no
// thread of ours waits. What a ring cannot do as it is (buffers that O_DIRECT does not take, a file system without
// ranges of zeroes) is carried out on the spot, by the backend.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "devices/host/disk_file.h"
#include "devices/host/io_ring.h"
#include "devices/virtio/blk/blk_task.h"
#include "devices/virtio/blk/io_engine.h"

namespace husk {

class RingEngine final : public IoEngine {
 public:
    // `ring` is on the same file as `disk`. Both `disk` and `tasks` must outlive this.
    RingEngine(IoRing ring, DiskFile& disk, BlkTasks& tasks) : ring_(std::move(ring)), disk_(disk), tasks_(tasks) {}

    void Submit(Task task) override;
    void Kick() override { ring_.Submit(); }
    [[nodiscard]] bool HasFinished() const override { return done_count_ > 0 || ring_.HasCompletion(); }
    [[nodiscard]] std::optional<Task> NextFinished() override;
    [[nodiscard]] bool EnableDoorbell() override { return HasFinished() || ring_.HasUnsubmitted(); }
    void DisableDoorbell() override {}
    [[nodiscard]] int DoorbellFd() const override { return ring_.Fd(); }

 private:
    void FinishHere(Task task);
    [[nodiscard]] bool Conclude(BlkTask& task, std::int32_t result);
    [[nodiscard]] bool MoreToMove(DiskTransfer& transfer, BlkTask& task, std::int32_t result);

    IoRing ring_;
    DiskFile& disk_;
    BlkTasks& tasks_;
    // Carried out on the spot, and not yet taken.
    std::array<Task, kMaxTasks> done_{};
    std::size_t done_count_ = 0;
};

}  // namespace husk
