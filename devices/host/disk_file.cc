#include "devices/host/disk_file.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "vmm/base/syscalls.h"

namespace husk {
namespace {

std::string Disk(const std::string& path) { return "disk " + path; }

std::unexpected<Error> Unusable(const std::string& path, std::string_view why) {
    return Fail(ErrorKind::kUsage, Disk(path) + std::string(why));
}

// The file at `path`, without touching what is behind it: opening some devices does things.
Result<ScopedFd> Locate(const std::string& path, struct stat& status) {
    ScopedFd place(::open(path.c_str(), O_PATH | O_CLOEXEC));
    if (!place || ::fstat(place.Get(), &status) != 0) return FailOs("cannot open " + Disk(path));
    if (S_ISDIR(status.st_mode)) return Unusable(path, " is a directory");
    if (!S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode)) {
        return Unusable(path, " is neither a regular file nor a block device");
    }
    return place;
}

// Opens for I/O what was located, so nothing can have been put in its place. O_EXCL on a block device: not while it is
// mounted or part of another device.
Result<ScopedFd> OpenLocated(const std::string& path, const ScopedFd& place, bool block_device, bool read_only) {
    const int flags =
        (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NOCTTY | (block_device ? (read_only ? 0 : O_EXCL) : O_NONBLOCK);
    ScopedFd fd(::open(("/proc/self/fd/" + std::to_string(place.Get())).c_str(), flags));
    if (!fd && errno == EBUSY) return Fail(Disk(path) + " is in use by another program");
    if (!fd) return FailOs("cannot open " + Disk(path));
    return fd;
}

Result<> Lock(const std::string& path, const ScopedFd& fd, bool read_only) {
    struct flock lock{};
    lock.l_type = read_only ? F_RDLCK : F_WRLCK;
    lock.l_whence = SEEK_SET;
    if (::fcntl(fd.Get(), F_OFD_SETLK, &lock) == 0) return {};
    if (errno == EAGAIN || errno == EACCES) return Fail(Disk(path) + " is in use by another program");
    return FailOs("cannot lock " + Disk(path));
}

Result<> RefuseLocked(const std::string& path, const ScopedFd& fd, bool read_only) {
    int locked = 0;
    if (::ioctl(fd.Get(), BLKROGET, &locked) != 0) return FailOs("cannot inspect " + Disk(path));
    if (locked == 0 || read_only) return {};
    return Unusable(path, " is a read-only block device, so it must be given as read-only");
}

Result<> CheckSize(const std::string& path, std::uint64_t bytes) {
    if (bytes == 0) return Unusable(path, " is empty");
    if (bytes % kDiskSectorBytes == 0) return {};
    return Unusable(path, " has " + std::to_string(bytes) + " bytes, which is not a multiple of 512");
}

// Calls preadv2 or pwritev2 (`call` is its number) until the transfer is done.
int MoveAll(DiskTransfer& transfer, int flags, int fd, int call) {
    while (transfer.length > 0) {
        constexpr int kHighHalf = 0;  // of the offset, which one register holds
        const long moved =
            RawSyscall(call, fd, transfer.data.data(), transfer.data.size(), transfer.offset, kHighHalf, flags);
        if (moved == -EINTR) continue;
        if (moved < 0) return static_cast<int>(-moved);
        if (moved == 0) return EIO;  // the file ends before the disk does
        transfer.Advance(static_cast<std::size_t>(moved));
    }
    return 0;
}

}  // namespace

Result<DiskFile> DiskFile::Open(const std::string& path, bool read_only) {
    struct stat status{};
    const ScopedFd place = HUSK_TRY(Locate(path, status));
    const bool block_device = S_ISBLK(status.st_mode);
    ScopedFd fd = HUSK_TRY(OpenLocated(path, place, block_device, read_only));
    HUSK_TRY(Lock(path, fd, read_only));
    if (block_device) HUSK_TRY(RefuseLocked(path, fd, read_only));
    // Only now: whoever held the lock may have changed the size.
    const DiskGeometry geometry = HUSK_TRY(InspectDisk(fd.Get(), path, block_device));
    HUSK_TRY(CheckSize(path, geometry.bytes));
    return DiskFile(std::move(fd), path, geometry, read_only);
}

Result<> DiskFile::MakeDirect() {
    if (geometry_.direct_offset == 0)
        return Unusable(path_, " cannot be used with direct: its file system has no O_DIRECT");
    const int flags = ::fcntl(fd_.Get(), F_GETFL);
    if (flags < 0 || ::fcntl(fd_.Get(), F_SETFL, flags | O_DIRECT) != 0)
        return FailOs("cannot use direct with " + Disk(path_));
    geometry_.logical_block = std::max(geometry_.logical_block, geometry_.direct_offset);
    return CheckSize(path_, geometry_.bytes / geometry_.logical_block * geometry_.logical_block);
}

DiskFile DiskFile::Adopt(ScopedFd fd, const DiskGeometry& geometry, bool read_only, bool direct) {
    DiskFile disk(std::move(fd), {}, geometry, read_only);
    if (direct) disk.bounce_ = std::make_unique_for_overwrite<BounceBuffers>();
    return disk;
}

Result<std::uint64_t> DiskFile::MeasureAgain() const {
    const std::uint64_t bytes = HUSK_TRY(DiskBytes(fd_.Get(), path_));
    HUSK_TRY(CheckSize(path_, bytes));
    return bytes;
}

void DiskFile::Unlock() {
    struct flock lock{};
    lock.l_type = F_UNLCK;
    lock.l_whence = SEEK_SET;
    (void)::fcntl(fd_.Get(), F_OFD_SETLK, &lock);
}

Result<ScopedFd> DiskFile::OpenReadOnly() const {
    ScopedFd fd(
        ::open(("/proc/self/fd/" + std::to_string(fd_.Get())).c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
    if (!fd) return FailOs("cannot open it for reading");
    return fd;
}

DiskFile::DiskFile(DiskFile&& other) noexcept
    : fd_(std::move(other.fd_)),
      path_(std::move(other.path_)),
      geometry_(other.geometry_),
      bytes_(other.Bytes()),
      read_only_(other.read_only_),
      bounce_(std::move(other.bounce_)),
      lost_(other.Lost()) {}

int DiskFile::Read(DiskTransfer& transfer, ReadMode mode) {
    if (!Has({transfer.offset, transfer.length})) return EINVAL;
    if (mode == ReadMode::kMayWait) return Move(transfer, SYS_preadv2);
    return Direct() ? EAGAIN : MoveAll(transfer, RWF_NOWAIT, fd_.Get(), SYS_preadv2);
}

int DiskFile::Write(DiskTransfer& transfer, WriteMode mode) {
    if (read_only_) return EROFS;
    if (!Has({transfer.offset, transfer.length})) return EINVAL;
    const int error = Move(transfer, SYS_pwritev2);
    if (error != 0 || mode == WriteMode::kCached) return error;
    return Flush();
}

bool DiskFile::IsAligned(const DiskTransfer& transfer) const {
    if (!Direct()) return true;
    std::uint64_t addresses = 0;
    std::uint64_t lengths = transfer.offset | transfer.length;
    for (const iovec& buffer : transfer.data) {
        addresses |= reinterpret_cast<std::uint64_t>(buffer.iov_base);
        lengths |= buffer.iov_len;  // some kernels want each of them to be whole blocks
    }
    return (lengths % geometry_.direct_offset | addresses % geometry_.direct_memory) == 0;
}

// O_DIRECT takes aligned buffers only; the guest's others go by way of ours.
int DiskFile::Move(DiskTransfer& transfer, int call) {
    if (IsAligned(transfer)) return MoveAll(transfer, 0, fd_.Get(), call);
    const auto move = [&](DiskTransfer& part) { return MoveAll(part, 0, fd_.Get(), call); };
    return call == SYS_preadv2 ? bounce_->Read(transfer, move) : bounce_->Write(transfer, move);
}

// A hint: what the host cannot give back stays.
int DiskFile::Discard(const DiskRange& range) {
    if (read_only_) return EROFS;
    if (!Has(range)) return EINVAL;
    const int error = Allocate(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, range);
    return error == EOPNOTSUPP ? 0 : error;
}

int DiskFile::WriteZeroes(const DiskRange& range, Unmap unmap, WriteMode mode) {
    if (read_only_) return EROFS;
    if (!Has(range)) return EINVAL;
    int error = EOPNOTSUPP;
    if (unmap == Unmap::kMay) error = Allocate(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, range);
    if (error == EOPNOTSUPP) error = Allocate(FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, range);
    if (error == EOPNOTSUPP) error = Fill(range);
    if (error != 0 || mode == WriteMode::kCached) return error;
    return Flush();
}

// What a file system without ranges of zeroes is left with.
int DiskFile::Fill(const DiskRange& range) {
    alignas(4096) static constexpr std::array<std::byte, 64 * 1024> kZeroes{};
    for (DiskRange left = range; left.length > 0;) {
        const std::uint64_t part = std::min<std::uint64_t>(left.length, kZeroes.size());
        iovec buffer{const_cast<std::byte*>(kZeroes.data()), part};  // only read from
        DiskTransfer transfer{.offset = left.offset, .length = part, .data = {&buffer, 1}};
        if (const int error = MoveAll(transfer, 0, fd_.Get(), SYS_pwritev2)) return error;
        left.offset += part;
        left.length -= part;
    }
    return 0;
}

int DiskFile::Allocate(int mode, const DiskRange& range) {
    if (range.length == 0) return 0;
    for (;;) {
        const long result = RawSyscall(SYS_fallocate, fd_.Get(), mode, range.offset, range.length);
        if (result != -EINTR) return static_cast<int>(-result);
    }
}

int DiskFile::Flush() {
    const std::scoped_lock lock(durable_);
    while (Lost() == 0) {
        const long result = RawSyscall(SYS_fdatasync, fd_.Get());
        if (result == 0) break;
        if (result != -EINTR) Lose(static_cast<int>(-result));
    }
    return Lost();
}

}  // namespace husk
