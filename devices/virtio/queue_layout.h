// The split virtqueue as it lies in guest memory (Virtio 1.2 §2.7). Little-endian, as are all machines husk runs on.
#pragma once

#include <cstddef>
#include <cstdint>

#include "vmm/memory/guest_address.h"

namespace husk {

// The largest queue offered by any of our devices. The format allows 32768.
inline constexpr std::uint16_t kMaxQueueSize = 1024;
inline constexpr std::size_t kMaxQueues = 16;  // of one device

// §2.7.5
struct VirtqDesc {
    std::uint64_t addr;
    std::uint32_t len;
    std::uint16_t flags;
    std::uint16_t next;
};
static_assert(sizeof(VirtqDesc) == 16 && offsetof(VirtqDesc, next) == 14);

inline constexpr std::uint16_t kDescNext = 1;      // the chain goes on at `next`
inline constexpr std::uint16_t kDescWrite = 2;     // the device writes this buffer
inline constexpr std::uint16_t kDescIndirect = 4;  // the buffer is a table of descriptors (§2.7.5.3)

// §2.7.6 and §2.7.8: both rings are flags, idx, the entries, and the event index of the other side.
inline constexpr std::uint64_t kRingHeader = 4;
inline constexpr std::uint64_t kAvailEntry = 2;
inline constexpr std::uint64_t kUsedEntry = 8;
inline constexpr std::uint64_t kRingTail = 2;
inline constexpr std::uint16_t kAvailNoInterrupt = 1;
inline constexpr std::uint16_t kUsedNoNotify = 1;

struct VirtqUsedElem {
    std::uint32_t id;
    std::uint32_t len;
};
static_assert(sizeof(VirtqUsedElem) == kUsedEntry);

// Where a driver put one queue. Latched by value when the device is activated; never read again from registers.
struct QueueConfig {
    std::uint16_t size = 0;  // entries; 0: the driver does not use this queue
    GuestAddress desc;       // the descriptor table
    GuestAddress driver;     // the available ring
    GuestAddress device;     // the used ring
};

// Feature bits that every device of ours knows (§6).
inline constexpr std::uint64_t kFeatureIndirectDesc = std::uint64_t{1} << 28;
inline constexpr std::uint64_t kFeatureEventIdx = std::uint64_t{1} << 29;
inline constexpr std::uint64_t kFeatureVersion1 = std::uint64_t{1} << 32;

}  // namespace husk
