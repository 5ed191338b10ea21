#include "vmm/machine/device_reports.h"

#include <cstring>

#include "devices/host/disk_file.h"
#include "devices/virtio/queue_fault.h"

namespace husk {
namespace {

std::string Describe(DiskOperation operation) {
    switch (operation) {
        case DiskOperation::kRead:
            return "reading";
        case DiskOperation::kWrite:
            return "writing";
        case DiskOperation::kFlush:
            return "flushing";
        case DiskOperation::kDiscard:
            return "discarding";
        case DiskOperation::kWriteZeroes:
            return "writing zeroes";
    }
    return "an operation";
}

}  // namespace

std::string SentenceFor(const DeviceBroken& broken, const std::string& device) {
    return "the guest's driver broke the protocol of " + device + " (" +
           Describe(static_cast<QueueFault>(broken.fault & 0xff)) + "); the device waits to be reset";
}

std::string SentenceFor(const NetWireGone&, std::size_t net) {
    return "net" + std::to_string(net) +
           ": its tap was deleted, or the other side of its socket is gone; the guest sees the link go down";
}

std::string SentenceFor(const HostIoFailed& failed, std::size_t disk) {
    return "blk" + std::to_string(disk) + ": " + Describe(static_cast<DiskOperation>(failed.operation & 0xff)) +
           " at byte " + std::to_string(failed.offset) + " failed: " + ::strerror(failed.os_errno) +
           "; the guest sees the error, and later ones of this kind are not shown";
}

}  // namespace husk
