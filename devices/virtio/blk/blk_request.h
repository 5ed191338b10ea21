// What a descriptor chain asks of a block device (Virtio 1.2 §5.2.6): parsing only, no I/O, for any split of header,
// data and status over buffers (§2.7.4: a device must not assume one).
//
// The header is copied once and the copy checked. The data stays where it is: it is the guest's own and may change
// while it is being moved.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <variant>

#include "devices/host/disk_backend.h"
#include "devices/host/disk_geometry.h"

namespace husk {

// §5.2.6 struct virtio_blk_req, the part before the data.
struct BlkRequestHeader {
    std::uint32_t type = 0;
    std::uint32_t reserved = 0;
    std::uint64_t sector = 0;
};
static_assert(sizeof(BlkRequestHeader) == 16 && offsetof(BlkRequestHeader, sector) == 8);

inline constexpr std::uint32_t kBlkTypeRead = 0;
inline constexpr std::uint32_t kBlkTypeWrite = 1;
inline constexpr std::uint32_t kBlkTypeFlush = 4;
inline constexpr std::uint32_t kBlkTypeGetId = 8;
inline constexpr std::uint32_t kBlkTypeDiscard = 11;
inline constexpr std::uint32_t kBlkTypeWriteZeroes = 13;

// §5.2.6 struct virtio_blk_discard_write_zeroes, the data of those two.
struct BlkRange {
    std::uint64_t sector = 0;
    std::uint32_t sectors = 0;
    std::uint32_t flags = 0;
};
static_assert(sizeof(BlkRange) == 16 && offsetof(BlkRange, sectors) == 8);
inline constexpr std::uint32_t kBlkRangeUnmap = 1;

enum class BlkStatus : std::uint8_t { kOk = 0, kIoError = 1, kUnsupported = 2 };

inline constexpr std::size_t kBlkIdBytes = 20;

// Within the disk and a whole number of logical blocks, all of them.
struct BlkRead {
    DiskTransfer transfer;
};
struct BlkWrite {
    DiskTransfer transfer;
    std::uint64_t length = 0;  // of all of it
};
struct BlkFlush {};
struct BlkDiscard {
    DiskRange range;
};
struct BlkWriteZeroes {
    DiskRange range;
    Unmap unmap = Unmap::kNo;
};
struct BlkGetId {
    std::span<iovec> data;
};
// Answered without I/O: kUnsupported for a type we do not know, kIoError for a request that cannot be (§5.2.6.2).
struct BlkRefused {
    BlkStatus status;
};
using BlkRequest = std::variant<BlkRefused, BlkRead, BlkWrite, BlkFlush, BlkGetId, BlkDiscard, BlkWriteZeroes>;

// A discard, or zeroes: no data, but maybe much to do.
[[nodiscard]] inline bool IsRange(const BlkRequest& request) {
    return std::holds_alternative<BlkDiscard>(request) || std::holds_alternative<BlkWriteZeroes>(request);
}

struct ParsedBlkRequest {
    BlkRequest request;
    std::byte* status;   // where the answer's last byte goes
    std::uint64_t room;  // writable bytes before it
};

// What requests are measured by. `discard` and `write_zeroes`: as negotiated.
struct DiskShape {
    std::uint64_t bytes = 0;
    std::uint32_t block = kDiskSectorBytes;  // a power of two
    bool read_only = false;
    bool discard = false;
    bool write_zeroes = false;
    bool sparse = false;  // zeroes are to take no room in the file, where they need not
};

// The buffers of a popped chain. They are trimmed in place to become the request's data. Nothing when there is no byte
// for the status: such a chain cannot be answered.
[[nodiscard]] std::optional<ParsedBlkRequest> ParseBlkRequest(std::span<iovec> readable, std::span<iovec> writable,
                                                              const DiskShape& disk);

}  // namespace husk
