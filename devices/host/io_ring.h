// IoRing: an io_uring of the kernel that can do four things to one file, and nothing else: read, write, flush, and give
// back or zero ranges. The restriction is the kernel's own (IORING_REGISTER_RESTRICTIONS) and is in place before the
// first operation: what a ring does passes by seccomp.
//
// One thread. Create() allocates and needs system calls that a sealed thread does not have; all else needs
// io_uring_enter on Fd() alone, or none.
#pragma once

#include <linux/io_uring.h>
#include <sys/uio.h>

#include <cstdint>
#include <optional>
#include <span>

#include "vmm/base/result.h"
#include "vmm/base/scoped_fd.h"

namespace husk {

struct RingOperation {
    enum class Kind : std::uint8_t { kRead, kWrite, kDurableWrite, kFlush, kAllocate };
    Kind kind = Kind::kFlush;
    int allocate_mode = 0;        // of kAllocate: as fallocate's
    std::uint64_t offset = 0;     // bytes
    std::uint64_t length = 0;     // bytes, of kAllocate
    std::span<const iovec> data;  // of reads and writes; must stay until the completion
};

struct RingCompletion {
    std::uint64_t tag = 0;
    std::int32_t result = 0;  // bytes moved, or a negative errno
};

class IoRing {
 public:
    // For at most `entries` operations under way, a power of two, on `file`. The ring's descriptor is moved to `slot`.
    // Fails where the host does not let this process have one.
    [[nodiscard]] static Result<IoRing> Create(unsigned entries, int file, int slot);
    IoRing(IoRing&& other) noexcept;
    IoRing& operator=(IoRing&&) = delete;
    ~IoRing();

    // Readable when there is a completion.
    [[nodiscard]] int Fd() const { return fd_.Get(); }

    // Puts an operation into the ring, for the next Submit(). There must be room: not more than `entries` under way.
    void Put(const RingOperation& operation, std::uint64_t tag);
    // Hands over what was put. Operations that the kernel has no room for now are handed over the next time.
    void Submit();
    [[nodiscard]] bool HasUnsubmitted() const { return unsubmitted_ > 0; }

    [[nodiscard]] bool HasCompletion() const;
    [[nodiscard]] std::optional<RingCompletion> Next();

 private:
    IoRing(ScopedFd fd, const io_uring_params& params, std::span<std::byte> rings, std::span<std::byte> entries);
    [[nodiscard]] std::uint32_t* At(std::uint32_t offset) const;

    ScopedFd fd_;
    std::span<std::byte> rings_;
    std::span<std::byte> entry_bytes_;
    io_uring_sqe* entries_ = nullptr;
    io_uring_cqe* completions_ = nullptr;
    std::uint32_t* submission_tail_ = nullptr;
    std::uint32_t* completion_head_ = nullptr;
    std::uint32_t* completion_tail_ = nullptr;
    std::uint32_t entry_mask_ = 0;
    std::uint32_t completion_mask_ = 0;
    std::uint32_t tail_ = 0;  // of what was put
    std::uint32_t unsubmitted_ = 0;
};

}  // namespace husk
