// DiskFile: a raw image or a block device of the host. Never another format: a guest could write any header into its
// own disk.
//
// The launcher opens and locks it; the lock belongs to the open file description, so it holds as long as the worker
// that inherited the descriptor lives. The worker adopts the descriptor and moves data.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "devices/host/bounce_buffers.h"
#include "devices/host/disk_backend.h"
#include "devices/host/disk_geometry.h"
#include "vmm/base/result.h"
#include "vmm/base/scoped_fd.h"

namespace husk {

class DiskFile final : public DiskBackend {
 public:
    // The launcher. Regular files and block devices whose size is a multiple of 512 bytes, not zero. Takes a lock: one
    // writer, or any number of readers. Nothing else at `path` is even opened for I/O.
    [[nodiscard]] static Result<DiskFile> Open(const std::string& path, bool read_only);
    // The launcher, before anybody uses it: I/O goes around the host's page cache from now on.
    [[nodiscard]] Result<> MakeDirect();
    // The worker: takes over what Open() found in the launcher; `direct` after MakeDirect(). Allocates.
    [[nodiscard]] static DiskFile Adopt(ScopedFd fd, const DiskGeometry& geometry, bool read_only, bool direct = false);

    DiskFile(DiskFile&& other) noexcept;  // start-up only
    DiskFile& operator=(DiskFile&&) = delete;
    ~DiskFile() override = default;

    [[nodiscard]] std::uint64_t Bytes() const override { return bytes_.load(std::memory_order_relaxed); }
    [[nodiscard]] bool ReadOnly() const { return read_only_; }
    [[nodiscard]] const DiskGeometry& Geometry() const { return geometry_; }  // as it was when opened
    [[nodiscard]] bool Direct() const override { return bounce_ != nullptr; }
    // Whether the range lies within the disk, and whether the file takes the transfer as it is.
    [[nodiscard]] bool Has(const DiskRange& range) const {
        const std::uint64_t bytes = Bytes();
        return range.offset <= bytes && range.length <= bytes - range.offset;
    }
    [[nodiscard]] bool Takes(const DiskTransfer& transfer) const {
        return Has({transfer.offset, transfer.length}) && IsAligned(transfer);
    }
    [[nodiscard]] int Fd() const { return fd_.Get(); }
    // Gives the descriptor away, and the lock with it.
    [[nodiscard]] ScopedFd Release() { return std::move(fd_); }

    // The same file once more, for reading only: whatever is at the path by now. The launcher.
    [[nodiscard]] Result<ScopedFd> OpenReadOnly() const;
    // The launcher, when nothing of it is under way any more: other programs may have it from now on. Closing the last
    // descriptor does the same, but an io_uring that had the file keeps it open a moment longer than its process lives.
    void Unlock();
    // The launcher: how large it has become, a whole number of sectors and not zero.
    [[nodiscard]] Result<std::uint64_t> MeasureAgain() const;
    // The worker: it is as large as this now. Any thread; what is under way goes by either size.
    void Resize(std::uint64_t bytes) { bytes_.store(bytes, std::memory_order_relaxed); }

    // The errno of the first flush that failed, of which somebody else may have heard; 0: none has. Once it is lost,
    // flushes fail for ever.
    [[nodiscard]] int Lost() const { return lost_.load(std::memory_order_relaxed); }
    void Lose(int error) { lost_.store(error, std::memory_order_relaxed); }

    // As DiskBackend says. EIO when the file has become shorter than Bytes(). System calls: preadv2, pwritev2,
    // fdatasync, fallocate, and futex when several threads flush at once.
    [[nodiscard]] int Read(DiskTransfer& transfer, ReadMode mode) override;
    [[nodiscard]] int Write(DiskTransfer& transfer, WriteMode mode) override;
    [[nodiscard]] int Flush() override;
    [[nodiscard]] int Discard(const DiskRange& range) override;
    [[nodiscard]] int WriteZeroes(const DiskRange& range, Unmap unmap, WriteMode mode) override;

 private:
    DiskFile(ScopedFd fd, std::string path, const DiskGeometry& geometry, bool read_only)
        : fd_(std::move(fd)),
          path_(std::move(path)),
          geometry_(geometry),
          bytes_(geometry.bytes),
          read_only_(read_only) {}

    [[nodiscard]] int Allocate(int mode, const DiskRange& range);
    [[nodiscard]] int Fill(const DiskRange& range);
    [[nodiscard]] int Move(DiskTransfer& transfer, int call);
    [[nodiscard]] bool IsAligned(const DiskTransfer& transfer) const;

    ScopedFd fd_;
    std::string path_;
    DiskGeometry geometry_;
    std::atomic<std::uint64_t> bytes_;
    bool read_only_;
    std::unique_ptr<BounceBuffers> bounce_;  // when direct
    // Linux reports a failed write-back once, to one caller, and forgets the data; a later fdatasync succeeds without
    // it. So the first failure is remembered, and nobody asks the kernel while somebody else is.
    std::mutex durable_;
    std::atomic<int> lost_{0};  // errno of that failure
};

}  // namespace husk
