#include "devices/virtio/split_queue.h"

#include <bit>

namespace husk {
namespace {

// Host memory of one part of a queue. Regions of RAM begin on page boundaries in both address spaces, so alignment for
// the guest is alignment here.
std::expected<std::span<std::byte>, QueueFault> Resolve(const GuestMemory& memory, GuestAddress at,
                                                        std::uint64_t alignment, std::uint64_t length) {
    if (at.Value() % alignment != 0) return std::unexpected(QueueFault::kMisaligned);
    const auto bytes = memory.Slice(at, length);
    if (!bytes) return std::unexpected(QueueFault::kRingNotInMemory);
    return *bytes;
}

}  // namespace

std::expected<SplitQueue, QueueFault> SplitQueue::Create(const GuestMemory& memory, const QueueConfig& config,
                                                         std::uint64_t features) {
    if (!std::has_single_bit(config.size) || config.size > kMaxQueueSize) {
        return std::unexpected(QueueFault::kSizeInvalid);
    }
    const auto table = Resolve(memory, config.desc, DescriptorTable::kAlignment, DescriptorTable::Bytes(config.size));
    if (!table) return std::unexpected(table.error());
    const auto available = Resolve(memory, config.driver, AvailableRing::kAlignment, AvailableRing::Bytes(config.size));
    if (!available) return std::unexpected(available.error());
    const auto used = Resolve(memory, config.device, UsedRing::kAlignment, UsedRing::Bytes(config.size));
    if (!used) return std::unexpected(used.error());
    return SplitQueue(ChainGatherer(memory, DescriptorTable(*table), (features & kFeatureIndirectDesc) != 0),
                      AvailableRing(*available, config.size), UsedRing(*used, config.size), config.size,
                      (features & kFeatureEventIdx) != 0);
}

std::unexpected<QueueFault> SplitQueue::Break(QueueFault fault) {
    fault_ = fault;
    available_end_ = next_available_;  // nothing left: the next Pop() looks at the fault
    return std::unexpected(fault);
}

const char* Describe(QueueFault fault) {
    switch (fault) {
        case QueueFault::kSizeInvalid:
            return "the size of the queue is not a power of two from 1 to 1024";
        case QueueFault::kMisaligned:
            return "a part of the queue is not aligned";
        case QueueFault::kRingNotInMemory:
            return "a part of the queue is not in memory";
        case QueueFault::kTooManyAvailable:
            return "more chains are available than the queue has room for";
        case QueueFault::kHeadOutOfRange:
            return "an available chain begins outside the queue";
        case QueueFault::kHeadInFlight:
            return "a chain was made available a second time before it was given back";
        case QueueFault::kNextOutOfRange:
            return "a chain goes on outside its table";
        case QueueFault::kChainTooLong:
            return "a chain has too many buffers";
        case QueueFault::kChainTooLarge:
            return "a chain has 4 GiB or more";
        case QueueFault::kBufferNotInMemory:
            return "a buffer is not in memory";
        case QueueFault::kBufferEmpty:
            return "a buffer has no bytes";
        case QueueFault::kReadableAfterWritable:
            return "a chain has a readable buffer after a writable one";
        case QueueFault::kIndirectNotOffered:
            return "an indirect table is used, but was not negotiated";
        case QueueFault::kIndirectInvalid:
            return "an indirect table is nested, chained or of an odd length";
        case QueueFault::kNoRoomForAnswer:
            return "a request has no room for its answer";
    }
    return "?";
}

}  // namespace husk
