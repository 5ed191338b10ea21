// BlkTask: one request under way, with storage of its own for its buffers. All tasks exist from the start; when none is
// free, the queue is left alone until one is. The storage lies apart, so that what no request needs takes no memory.
#pragma once

#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "devices/host/disk_backend.h"
#include "devices/virtio/blk/blk_config.h"
#include "devices/virtio/blk/blk_request.h"
#include "devices/virtio/descriptor_chain.h"

namespace husk {

// Names a task between the loop and the pool.
using BlkTaskIndex = std::uint16_t;
inline constexpr std::size_t kBlkTasks = 128;

struct BlkTask {
    std::optional<DescriptorChain> chain;
    BlkRequest request;
    std::byte* status = nullptr;
    std::uint64_t room = 0;      // writable bytes before the status
    std::uint64_t taken_at = 0;  // nanoseconds
    std::uint64_t took = 0;      // nanoseconds that the disk needed
    int error = 0;               // what it said
    WriteMode mode = WriteMode::kCached;
    std::uint8_t queue = 0;  // that the chain came from
};

// The loop thread hands tasks out and takes them back.
class BlkTasks {
 public:
    BlkTasks() {
        for (std::size_t i = 0; i < kBlkTasks; ++i) free_[i] = static_cast<BlkTaskIndex>(kBlkTasks - 1 - i);
    }

    [[nodiscard]] BlkTask& operator[](BlkTaskIndex index) { return tasks_[index]; }
    // Where the guest's buffers of that task are put down.
    [[nodiscard]] std::span<iovec> Buffers(BlkTaskIndex index) { return buffers_[index]; }
    [[nodiscard]] bool AnyFree() const { return free_count_ > 0; }
    [[nodiscard]] std::size_t InUse() const { return kBlkTasks - free_count_; }
    // The one that Take() would give, last used most recently. Only when AnyFree().
    [[nodiscard]] BlkTaskIndex Next() const { return free_[free_count_ - 1]; }
    void TakeNext() { --free_count_; }
    void Give(BlkTaskIndex index) { free_[free_count_++] = index; }

 private:
    std::array<BlkTask, kBlkTasks> tasks_;
    std::array<BlkTaskIndex, kBlkTasks> free_{};
    std::size_t free_count_ = kBlkTasks;
    std::array<std::array<iovec, kBlkMaxBuffers>, kBlkTasks> buffers_;
};

}  // namespace husk
