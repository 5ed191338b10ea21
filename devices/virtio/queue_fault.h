// QueueFault: the ways in which a driver can break the rules of a virtqueue.
#pragma once

#include <cstdint>

namespace husk {

enum class QueueFault : std::uint8_t {
    kSizeInvalid,        // not a power of two, zero, or larger than kMaxQueueSize
    kMisaligned,         // a ring does not have the alignment of §2.7
    kRingNotInMemory,    // a ring is not wholly in RAM
    kTooManyAvailable,   // the available index ran ahead by more than the queue's size
    kHeadOutOfRange,     // an available entry names no descriptor
    kHeadInFlight,       // an available entry names a chain that is still ours
    kNextOutOfRange,     // `next` names no descriptor
    kChainTooLong,       // more buffers than the queue (or the device's limit) has: a cycle, most likely
    kChainTooLarge,      // 2^32 bytes or more
    kBufferNotInMemory,  // a buffer is not wholly in RAM
    kBufferEmpty,        // a buffer of no bytes
    kReadableAfterWritable,
    kIndirectNotOffered,  // an indirect descriptor without the feature
    kIndirectInvalid,     // nested, chained, or a length that is no multiple of 16 (or zero)
    kNoRoomForAnswer,     // a request of a device's own without the bytes for its answer
};
[[nodiscard]] const char* Describe(QueueFault fault);

}  // namespace husk
