// DiskFile: a raw image or a block device of the host. Never another format: a guest could write any header into its
// own disk.
//
// The launcher opens and locks it; the lock belongs to the open file description, so it holds as long as the worker
// that inherited the descriptor lives. The worker adopts the descriptor and moves data.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>

#include "devices/host/disk_backend.h"
#include "vmm/base/result.h"
#include "vmm/base/scoped_fd.h"

namespace husk {

class DiskFile final : public DiskBackend {
 public:
    static constexpr std::uint32_t kSectorBytes = 512;

    // The launcher. Regular files and block devices whose size is a multiple of 512 bytes, not zero. Takes a lock: one
    // writer, or any number of readers. Nothing else at `path` is even opened for I/O.
    [[nodiscard]] static Result<DiskFile> Open(const std::string& path, bool read_only);
    // The worker: takes over what Open() found in the launcher.
    [[nodiscard]] static DiskFile Adopt(ScopedFd fd, std::uint64_t bytes, bool read_only);

    DiskFile(DiskFile&& other) noexcept;  // start-up only
    DiskFile& operator=(DiskFile&&) = delete;
    ~DiskFile() override = default;

    [[nodiscard]] std::uint64_t Bytes() const override { return bytes_; }
    [[nodiscard]] bool ReadOnly() const { return read_only_; }
    // The logical block size of a block device that Open() opened, else kSectorBytes.
    [[nodiscard]] std::uint32_t BlockBytes() const { return block_bytes_; }
    [[nodiscard]] int Fd() const { return fd_.Get(); }
    // Gives the descriptor away, and the lock with it.
    [[nodiscard]] ScopedFd Release() { return std::move(fd_); }

    // The same file once more, for reading only: whatever is at the path by now. The launcher.
    [[nodiscard]] Result<ScopedFd> OpenReadOnly() const;

    // As DiskBackend says. EIO when the file has become shorter than Bytes(). System calls: preadv2, pwritev2,
    // fdatasync, and futex when several threads flush at once.
    [[nodiscard]] int Read(DiskTransfer& transfer, ReadMode mode) override;
    [[nodiscard]] int Write(DiskTransfer& transfer, WriteMode mode) override;
    [[nodiscard]] int Flush() override;

 private:
    DiskFile(ScopedFd fd, std::uint64_t bytes, bool read_only, std::uint32_t block_bytes)
        : fd_(std::move(fd)), bytes_(bytes), block_bytes_(block_bytes), read_only_(read_only) {}

    ScopedFd fd_;
    std::uint64_t bytes_;
    std::uint32_t block_bytes_;
    bool read_only_;
    // Linux reports a failed write-back once, to one caller, and forgets the data; a later fdatasync succeeds without
    // it. So the first failure is remembered, and nobody asks the kernel while somebody else is.
    std::mutex durable_;
    int lost_ = 0;  // errno of that failure
};

}  // namespace husk
