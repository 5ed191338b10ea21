// DiskBackend: what a block device stands on. DiskFile is the one that reaches the host; tests put faults in its place,
// and rate limits or overlays are backends around another backend.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <span>

namespace husk {

enum class DiskOperation : std::uint32_t { kRead, kWrite, kFlush, kDiscard, kWriteZeroes };
inline constexpr std::size_t kDiskOperations = 5;

// A transfer and how far it got: `length` bytes are still to be moved between byte `offset` of the disk and `data`. A
// transfer that stopped half-way (an error, or nothing more in the cache) goes on from there when it is tried again.
struct DiskTransfer {
    std::uint64_t offset = 0;
    std::uint64_t length = 0;  // what the buffers of `data` hold together
    std::span<iovec> data;     // consumed as bytes are moved

    // `count` bytes, at most `length`, are done.
    void Advance(std::size_t count);
};

// Bytes of the disk, without data to move.
struct DiskRange {
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
};

enum class ReadMode {
    kMayWait,     // for the disk
    kOnlyCached,  // EAGAIN when it would have to wait, EOPNOTSUPP when the backend cannot tell
};
enum class WriteMode {
    kCached,   // on the disk after a later Flush()
    kDurable,  // on the disk when Write() returns
};
enum class Unmap {
    kNo,   // what is zeroed keeps its place on the host
    kMay,  // it may be given back
};

// All calls: any thread, several at once. They give 0, or the errno of what went wrong; they never throw or allocate.
// A transfer or a range that does not lie within Bytes() is EINVAL.
class DiskBackend {
 public:
    virtual ~DiskBackend() = default;
    [[nodiscard]] virtual int Read(DiskTransfer& transfer, ReadMode mode) = 0;
    [[nodiscard]] virtual int Write(DiskTransfer& transfer, WriteMode mode) = 0;
    // When it gives 0, every write that had completed before the call is on the disk.
    [[nodiscard]] virtual int Flush() = 0;
    // The driver needs the contents no more: given back to the host where that is possible, else nothing.
    [[nodiscard]] virtual int Discard(const DiskRange& range) = 0;
    [[nodiscard]] virtual int WriteZeroes(const DiskRange& range, Unmap unmap, WriteMode mode) = 0;
    [[nodiscard]] virtual std::uint64_t Bytes() const = 0;
    // No cache: every transfer waits for the disk.
    [[nodiscard]] virtual bool Direct() const { return false; }
};

}  // namespace husk
