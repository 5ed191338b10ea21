// DiskBackend: what a block device stands on. DiskFile is the one that reaches the host; tests put faults in its place,
// and rate limits or overlays are backends around another backend.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <span>

namespace husk {

enum class DiskOperation : std::uint32_t { kRead, kWrite, kFlush };

// A transfer and how far it got: `length` bytes are still to be moved between byte `offset` of the disk and `data`. A
// transfer that stopped half-way (an error, or nothing more in the cache) goes on from there when it is tried again.
struct DiskTransfer {
    std::uint64_t offset = 0;
    std::uint64_t length = 0;  // what the buffers of `data` hold together
    std::span<iovec> data;     // consumed as bytes are moved

    // `count` bytes, at most `length`, are done.
    void Advance(std::size_t count);
};

enum class ReadMode {
    kMayWait,     // for the disk
    kOnlyCached,  // EAGAIN when it would have to wait, EOPNOTSUPP when the backend cannot tell
};
enum class WriteMode {
    kCached,   // on the disk after a later Flush()
    kDurable,  // on the disk when Write() returns
};

// All calls: any thread, several at once. They give 0, or the errno of what went wrong; they never throw or allocate.
// `transfer` lies within Bytes().
class DiskBackend {
 public:
    virtual ~DiskBackend() = default;
    [[nodiscard]] virtual int Read(DiskTransfer& transfer, ReadMode mode) = 0;
    [[nodiscard]] virtual int Write(DiskTransfer& transfer, WriteMode mode) = 0;
    // When it gives 0, every write that had completed before the call is on the disk.
    [[nodiscard]] virtual int Flush() = 0;
    [[nodiscard]] virtual std::uint64_t Bytes() const = 0;
};

}  // namespace husk
