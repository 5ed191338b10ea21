#include "devices/virtio/blk/blk_request.h"

#include <algorithm>
#include <cstring>

#include "devices/virtio/blk/blk_config.h"

namespace husk {
namespace {

std::uint64_t BytesIn(std::span<const iovec> buffers) {
    std::uint64_t total = 0;
    for (const iovec& buffer : buffers) total += buffer.iov_len;
    return total;
}

// Moves a struct out of the front of `buffers`; nothing when they hold less.
template <typename T>
std::optional<T> TakeFront(std::span<iovec>& buffers) {
    T taken;
    const auto to = std::as_writable_bytes(std::span(&taken, 1));
    std::size_t have = 0;
    while (have < to.size() && !buffers.empty()) {
        iovec& buffer = buffers.front();
        const std::size_t part = std::min(to.size() - have, buffer.iov_len);
        std::memcpy(to.data() + have, buffer.iov_base, part);
        have += part;
        buffer.iov_base = static_cast<std::byte*>(buffer.iov_base) + part;
        buffer.iov_len -= part;
        if (buffer.iov_len == 0) buffers = buffers.subspan(1);
    }
    if (have < to.size()) return std::nullopt;
    return taken;
}

// Cuts the status byte off the end of `buffers`, which hold at least one byte in each.
std::byte* TakeStatus(std::span<iovec>& buffers) {
    iovec& last = buffers.back();
    --last.iov_len;
    std::byte* const status = static_cast<std::byte*>(last.iov_base) + last.iov_len;
    if (last.iov_len == 0) buffers = buffers.first(buffers.size() - 1);
    return status;
}

std::optional<DiskRange> RangeOf(std::uint64_t sector, std::uint64_t length, const DiskShape& disk) {
    const std::uint64_t sectors = disk.bytes / kBlkSectorBytes;
    if (length % kBlkSectorBytes != 0 || sector > sectors || length / kBlkSectorBytes > sectors - sector) {
        return std::nullopt;
    }
    const DiskRange range{.offset = sector * kBlkSectorBytes, .length = length};
    if ((range.offset | range.length) % disk.block != 0) return std::nullopt;
    return range;
}

std::optional<DiskTransfer> TransferOf(std::uint64_t sector, std::uint64_t length, std::span<iovec> data,
                                       const DiskShape& disk) {
    const auto range = RangeOf(sector, length, disk);
    if (!range) return std::nullopt;
    return DiskTransfer{.offset = range->offset, .length = range->length, .data = data};
}

BlkRequest DiscardOf(std::span<iovec> readable, const DiskShape& disk) {
    const bool one = BytesIn(readable) == sizeof(BlkRange);
    const auto asked = TakeFront<BlkRange>(readable);
    if (!disk.discard || (asked && asked->flags != 0)) return BlkRefused{BlkStatus::kUnsupported};
    if (!one || asked->sectors > kBlkMaxRangeSectors) return BlkRefused{BlkStatus::kIoError};
    const auto range = RangeOf(asked->sector, std::uint64_t{asked->sectors} * kBlkSectorBytes, disk);
    if (!range) return BlkRefused{BlkStatus::kIoError};
    return BlkDiscard{*range};
}

BlkRequest WriteZeroesOf(std::span<iovec> readable, const DiskShape& disk) {
    const bool one = BytesIn(readable) == sizeof(BlkRange);
    const auto asked = TakeFront<BlkRange>(readable);
    if (!disk.write_zeroes || (asked && (asked->flags & ~kBlkRangeUnmap) != 0))
        return BlkRefused{BlkStatus::kUnsupported};
    if (!one || asked->sectors > kBlkMaxRangeSectors) return BlkRefused{BlkStatus::kIoError};
    const auto range = RangeOf(asked->sector, std::uint64_t{asked->sectors} * kBlkSectorBytes, disk);
    if (!range) return BlkRefused{BlkStatus::kIoError};
    // Who may not discard may not give anything back this way either. A sparse file stays sparse: there, nobody has
    // room that would have to be kept.
    const bool unmap = disk.discard && ((asked->flags & kBlkRangeUnmap) != 0 || disk.sparse);
    return BlkWriteZeroes{*range, unmap ? Unmap::kMay : Unmap::kNo};
}

BlkRequest RequestOf(const BlkRequestHeader& header, std::span<iovec> readable, std::span<iovec> writable,
                     std::uint64_t room, const DiskShape& disk) {
    switch (header.type) {
        case kBlkTypeRead: {
            const auto transfer = TransferOf(header.sector, room, writable, disk);
            if (!transfer) break;
            return BlkRead{*transfer};
        }
        case kBlkTypeWrite: {
            const auto transfer = TransferOf(header.sector, BytesIn(readable), readable, disk);
            if (!transfer || disk.read_only) break;
            return BlkWrite{*transfer, transfer->length};
        }
        case kBlkTypeFlush:
            return BlkFlush{};
        case kBlkTypeGetId:
            return BlkGetId{writable};
        case kBlkTypeDiscard:
            if (disk.read_only) break;
            return DiscardOf(readable, disk);
        case kBlkTypeWriteZeroes:
            if (disk.read_only) break;
            return WriteZeroesOf(readable, disk);
        default:
            return BlkRefused{BlkStatus::kUnsupported};
    }
    return BlkRefused{BlkStatus::kIoError};
}

}  // namespace

std::optional<ParsedBlkRequest> ParseBlkRequest(std::span<iovec> readable, std::span<iovec> writable,
                                                const DiskShape& disk) {
    if (writable.empty()) return std::nullopt;
    std::byte* const status = TakeStatus(writable);
    const std::uint64_t room = BytesIn(writable);
    const auto header = TakeFront<BlkRequestHeader>(readable);
    if (!header) return ParsedBlkRequest{BlkRefused{BlkStatus::kIoError}, status, room};
    return ParsedBlkRequest{RequestOf(*header, readable, writable, room, disk), status, room};
}

}  // namespace husk
