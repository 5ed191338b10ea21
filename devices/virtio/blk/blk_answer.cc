#include "devices/virtio/blk/blk_answer.h"

#include <algorithm>
#include <cstring>
#include <variant>

namespace husk {
namespace {

// As much of the identifier as there is room for; gives the number of bytes.
std::uint64_t PutId(std::span<const char> serial, std::span<const iovec> data) {
    std::uint64_t put = 0;
    for (const iovec& buffer : data) {
        const std::size_t part = std::min<std::size_t>(serial.size() - put, buffer.iov_len);
        std::memcpy(buffer.iov_base, serial.data() + put, part);
        put += part;
    }
    return put;
}

BlkStatus StatusOf(const BlkTask& task) {
    if (const auto* refused = std::get_if<BlkRefused>(&task.request)) return refused->status;
    return task.error == 0 ? BlkStatus::kOk : BlkStatus::kIoError;
}

}  // namespace

void CarryOut(BlkTask& task, DiskBackend& disk) {
    if (auto* read = std::get_if<BlkRead>(&task.request)) {
        task.error = disk.Read(read->transfer, ReadMode::kMayWait);
    } else if (auto* write = std::get_if<BlkWrite>(&task.request)) {
        task.error = disk.Write(write->transfer, task.mode);
    } else if (std::holds_alternative<BlkFlush>(task.request)) {
        task.error = disk.Flush();
    } else if (const auto* discard = std::get_if<BlkDiscard>(&task.request)) {
        task.error = disk.Discard(discard->range);
    } else if (const auto* zeroes = std::get_if<BlkWriteZeroes>(&task.request)) {
        task.error = disk.WriteZeroes(zeroes->range, zeroes->unmap, task.mode);
    }
}

BlkAnswer Answer(BlkTask& task, std::span<const char, kBlkIdBytes> serial) {
    const BlkStatus status = StatusOf(task);
    std::uint64_t written = 0;
    if (const auto* read = std::get_if<BlkRead>(&task.request)) written = task.room - read->transfer.length;
    if (const auto* get = std::get_if<BlkGetId>(&task.request)) written = PutId(serial, get->data);
    *task.status = std::byte{static_cast<std::uint8_t>(status)};
    // The status is the last byte: it counts only when nothing before it was left out.
    return {.status = status, .written = static_cast<std::uint32_t>(written + (written == task.room ? 1 : 0))};
}

}  // namespace husk
