// How a block request is carried out and answered: the steps that need neither queue nor threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "devices/host/disk_backend.h"
#include "devices/virtio/blk/blk_request.h"
#include "devices/virtio/blk/blk_task.h"

namespace husk {

// The I/O of the task's request, waiting for the disk if need be; the disk's errno is left in the task. Any thread.
void CarryOut(BlkTask& task, DiskBackend& disk);

struct BlkAnswer {
    BlkStatus status = BlkStatus::kOk;
    std::uint32_t written =
        0;  // for the used ring (§2.7.8): bytes of the chain that are known to be written, from its first
};

// Writes the task's status byte (and the identifier, when it was asked for): then the chain can go back.
[[nodiscard]] BlkAnswer Answer(BlkTask& task, std::span<const char, kBlkIdBytes> serial);

}  // namespace husk
