#include "devices/host/disk_file.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

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

struct BlockDevice {
    std::uint64_t bytes = 0;
    std::uint32_t block_bytes = 0;
};

Result<BlockDevice> Inspect(const std::string& path, const ScopedFd& fd, bool read_only) {
    BlockDevice device;
    int locked = 0;
    int block_bytes = 0;
    if (::ioctl(fd.Get(), BLKGETSIZE64, &device.bytes) != 0 || ::ioctl(fd.Get(), BLKROGET, &locked) != 0 ||
        ::ioctl(fd.Get(), BLKSSZGET, &block_bytes) != 0) {
        return FailOs("cannot inspect " + Disk(path));
    }
    if (locked != 0 && !read_only)
        return Unusable(path, " is a read-only block device, so it must be given as read-only");
    device.block_bytes = static_cast<std::uint32_t>(block_bytes);
    return device;
}

bool Within(const DiskTransfer& transfer, std::uint64_t bytes) {
    return transfer.offset <= bytes && transfer.length <= bytes - transfer.offset;
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
    // Only now: whoever held the lock may have changed the size.
    if (::fstat(fd.Get(), &status) != 0) return FailOs("cannot inspect " + Disk(path));
    BlockDevice device{.bytes = static_cast<std::uint64_t>(status.st_size), .block_bytes = kSectorBytes};
    if (block_device) device = HUSK_TRY(Inspect(path, fd, read_only));
    if (device.bytes == 0) return Unusable(path, " is empty");
    if (device.bytes % kSectorBytes != 0) {
        return Unusable(path, " has " + std::to_string(device.bytes) + " bytes, which is not a multiple of 512");
    }
    return DiskFile(std::move(fd), device.bytes, read_only, device.block_bytes);
}

DiskFile DiskFile::Adopt(ScopedFd fd, std::uint64_t bytes, bool read_only) {
    return DiskFile(std::move(fd), bytes, read_only, kSectorBytes);
}

Result<ScopedFd> DiskFile::OpenReadOnly() const {
    ScopedFd fd(
        ::open(("/proc/self/fd/" + std::to_string(fd_.Get())).c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
    if (!fd) return FailOs("cannot open it for reading");
    return fd;
}

DiskFile::DiskFile(DiskFile&& other) noexcept
    : fd_(std::move(other.fd_)),
      bytes_(other.bytes_),
      block_bytes_(other.block_bytes_),
      read_only_(other.read_only_),
      lost_(other.lost_) {}

int DiskFile::Read(DiskTransfer& transfer, ReadMode mode) {
    if (!Within(transfer, bytes_)) return EINVAL;
    return MoveAll(transfer, mode == ReadMode::kOnlyCached ? RWF_NOWAIT : 0, fd_.Get(), SYS_preadv2);
}

int DiskFile::Write(DiskTransfer& transfer, WriteMode mode) {
    if (read_only_) return EROFS;
    if (!Within(transfer, bytes_)) return EINVAL;
    const int error = MoveAll(transfer, 0, fd_.Get(), SYS_pwritev2);
    if (error != 0 || mode == WriteMode::kCached) return error;
    return Flush();
}

int DiskFile::Flush() {
    const std::scoped_lock lock(durable_);
    while (lost_ == 0) {
        const long result = RawSyscall(SYS_fdatasync, fd_.Get());
        if (result == 0) break;
        if (result != -EINTR) lost_ = static_cast<int>(-result);
    }
    return lost_;
}

}  // namespace husk
