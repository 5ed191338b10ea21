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

std::string DeviceName(std::uint32_t device) {
    return device == kConsoleDevice ? "hvc0" : "blk" + std::to_string(device - kConsoleDevice - 1);
}

std::string SentenceFor(const DeviceBroken& broken) {
    return "the guest's driver broke the protocol of " + DeviceName(broken.device) + " (" +
           Describe(static_cast<QueueFault>(broken.fault & 0xff)) + "); the device waits to be reset";
}

std::string SentenceFor(const HostIoFailed& failed, std::size_t disk) {
    return "blk" + std::to_string(disk) + ": " + Describe(static_cast<DiskOperation>(failed.operation & 0xff)) +
           " at byte " + std::to_string(failed.offset) + " failed: " + ::strerror(failed.os_errno) +
           "; the guest sees the error, and later ones of this kind are not shown";
}

std::string SentenceFor(const ConsoleIoFailed& failed) {
    const std::string why = ::strerror(failed.os_errno);
    if (failed.where == ConsoleIoFailed::Where::kLog) {
        return "cannot write the console's log: " + why + "; what the guest prints meanwhile is missing from it";
    }
    return "cannot write the console any more: " + why + "; the guest goes on without";
}

}  // namespace husk
