// DiskGeometry: what the host says of a disk beside its contents: blocks, alignment, and what can be given back.
#pragma once

#include <cstdint>
#include <string>

#include "vmm/base/result.h"

namespace husk {

inline constexpr std::uint32_t kDiskSectorBytes = 512;

// All in bytes; powers of two where they are not zero. The default is a file on a host that says nothing.
struct DiskGeometry {
    std::uint64_t bytes = 0;
    std::uint32_t logical_block = kDiskSectorBytes;   // the smallest unit of I/O
    std::uint32_t physical_block = kDiskSectorBytes;  // smaller writes cost the host a read
    std::uint32_t alignment_offset = 0;               // where the first physical block begins
    std::uint32_t minimum_io = 0;                     // preferred; 0: unknown
    std::uint32_t optimal_io = 0;                     // likewise
    std::uint32_t discard_granularity = 0;            // 0: nothing can be given back
    std::uint32_t sparse = 0;                         // 1: a file that takes less room than its size
    // What O_DIRECT asks of addresses in memory, and of offsets and lengths; 0: it is not possible.
    std::uint32_t direct_memory = 0;
    std::uint32_t direct_offset = 0;
};

// The launcher. `fd` is open on a regular file or a block device (`block_device`); `path` is for error sentences only.
[[nodiscard]] Result<DiskGeometry> InspectDisk(int fd, const std::string& path, bool block_device);

// How large it is now.
[[nodiscard]] Result<std::uint64_t> DiskBytes(int fd, const std::string& path);

}  // namespace husk
