#include "devices/host/disk_geometry.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <charconv>
#include <string_view>

#include "vmm/base/scoped_fd.h"

namespace husk {
namespace {

constexpr std::uint32_t kAnyDirect = 4096;  // aligned enough for every file system

std::uint32_t PowerOfTwoOr(std::uint32_t value, std::uint32_t otherwise) {
    return std::has_single_bit(value) ? value : otherwise;
}

// A kernel before 6.1 does not tell; then a page is asked for, where O_DIRECT can be had at all.
void InspectDirect(int fd, DiskGeometry& geometry) {
    struct statx status{};
    if (::statx(fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &status) == 0 && (status.stx_mask & STATX_DIOALIGN) != 0) {
        geometry.direct_memory = PowerOfTwoOr(status.stx_dio_mem_align, 0);
        geometry.direct_offset = PowerOfTwoOr(status.stx_dio_offset_align, 0);
        return;
    }
    const int flags = ::fcntl(fd, F_GETFL);
    if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_DIRECT) != 0) return;
    (void)::fcntl(fd, F_SETFL, flags);
    geometry.direct_memory = geometry.direct_offset = kAnyDirect;
}

// A number out of sysfs; 0 when it cannot be had.
std::uint64_t QueueLimit(dev_t device, std::string_view name) {
    const std::string folder = "/sys/dev/block/" + std::to_string(major(device)) + ":" + std::to_string(minor(device));
    for (const char* const queue : {"/queue/", "/../queue/"}) {  // a partition has its disk's
        const ScopedFd file(::open((folder + queue + std::string(name)).c_str(), O_RDONLY | O_CLOEXEC));
        std::array<char, 32> text{};
        const ssize_t length = file ? ::read(file.Get(), text.data(), text.size()) : -1;
        std::uint64_t value = 0;
        if (length > 0 && std::from_chars(text.data(), text.data() + length, value).ec == std::errc()) return value;
    }
    return 0;
}

Result<DiskGeometry> InspectBlockDevice(int fd, const std::string& path, dev_t device) {
    DiskGeometry geometry;
    int logical = 0;
    unsigned physical = 0, minimum = 0, optimal = 0;
    int offset = 0;
    if (::ioctl(fd, BLKGETSIZE64, &geometry.bytes) != 0 || ::ioctl(fd, BLKSSZGET, &logical) != 0) {
        return FailOs("cannot inspect disk " + path);
    }
    geometry.logical_block = PowerOfTwoOr(static_cast<std::uint32_t>(logical), kDiskSectorBytes);
    geometry.physical_block = geometry.logical_block;
    if (::ioctl(fd, BLKPBSZGET, &physical) == 0) {
        geometry.physical_block = PowerOfTwoOr(physical, geometry.logical_block);
    }
    if (::ioctl(fd, BLKALIGNOFF, &offset) == 0 && offset > 0) {
        geometry.alignment_offset = static_cast<std::uint32_t>(offset);
    }
    if (::ioctl(fd, BLKIOMIN, &minimum) == 0) geometry.minimum_io = minimum;
    if (::ioctl(fd, BLKIOOPT, &optimal) == 0) geometry.optimal_io = optimal;
    if (QueueLimit(device, "discard_max_bytes") > 0) {
        geometry.discard_granularity =
            PowerOfTwoOr(static_cast<std::uint32_t>(QueueLimit(device, "discard_granularity")), geometry.logical_block);
    }
    return geometry;
}

// Punching a hole behind the end of a file changes nothing, and says whether its file system can.
bool CanPunchHoles(int fd, std::uint64_t bytes) {
    constexpr int kMode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
    return ::fallocate(fd, kMode, static_cast<off_t>(bytes), kDiskSectorBytes) == 0;
}

DiskGeometry InspectFile(int fd, const struct stat& status) {
    DiskGeometry geometry;
    geometry.bytes = static_cast<std::uint64_t>(status.st_size);
    const auto block = PowerOfTwoOr(static_cast<std::uint32_t>(status.st_blksize), kDiskSectorBytes);
    constexpr std::uint32_t kMostPlausible = 64 * 1024;  // some file systems say megabytes: how they like to be read
    if (block <= kMostPlausible) geometry.physical_block = geometry.minimum_io = block;
    constexpr std::uint64_t kBlockUnit = 512;  // of st_blocks, whatever the file system's is
    geometry.sparse = static_cast<std::uint64_t>(status.st_blocks) * kBlockUnit < geometry.bytes ? 1 : 0;
    if (CanPunchHoles(fd, geometry.bytes)) geometry.discard_granularity = geometry.physical_block;
    return geometry;
}

}  // namespace

Result<DiskGeometry> InspectDisk(int fd, const std::string& path, bool block_device) {
    struct stat status{};
    if (::fstat(fd, &status) != 0) return FailOs("cannot inspect disk " + path);
    DiskGeometry geometry =
        block_device ? HUSK_TRY(InspectBlockDevice(fd, path, status.st_rdev)) : InspectFile(fd, status);
    InspectDirect(fd, geometry);
    return geometry;
}

Result<std::uint64_t> DiskBytes(int fd, const std::string& path) {
    struct stat status{};
    if (::fstat(fd, &status) != 0) return FailOs("cannot inspect disk " + path);
    std::uint64_t bytes = static_cast<std::uint64_t>(status.st_size);
    if (S_ISBLK(status.st_mode) && ::ioctl(fd, BLKGETSIZE64, &bytes) != 0) {
        return FailOs("cannot inspect disk " + path);
    }
    return bytes;
}

}  // namespace husk
