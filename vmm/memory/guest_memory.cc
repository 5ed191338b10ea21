#include "vmm/memory/guest_memory.h"

#include <fcntl.h>
#include <linux/memfd.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "vmm/memory/address_map.h"

namespace husk {
namespace {

constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

constexpr std::uint64_t kHugePage = 2 * address_map::kMiB;

// At an address that is a multiple of 2 MiB, as the guest's are: only then can a huge page of the host be one for the
// guest. The room for the alignment is given back.
Result<std::byte*> Map(int fd, std::uint64_t size) {
    const std::string failed = "cannot map " + std::to_string(size / address_map::kMiB) + " MiB of guest memory";
    void* const room = ::mmap(nullptr, size + kHugePage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (room == MAP_FAILED) return FailOs(failed);
    auto* const start = static_cast<std::byte*>(room);
    const std::uint64_t skipped = -reinterpret_cast<std::uint64_t>(room) % kHugePage;
    void* const base =
        ::mmap(start + skipped, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE | MAP_FIXED, fd, 0);
    if (base == MAP_FAILED) return FailOs(failed);
    if (skipped > 0) ::munmap(start, skipped);
    if (skipped < kHugePage) ::munmap(start + skipped + size, kHugePage - skipped);
    return static_cast<std::byte*>(base);
}

Result<> ReadInto(std::span<std::byte> target, int fd, off_t position) {
    while (!target.empty()) {
        const ssize_t got = ::pread(fd, target.data(), target.size(), position);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return std::unexpected(Error::Os("cannot be read").As(ErrorKind::kBootSource));
        if (got == 0) return Fail(ErrorKind::kBootSource, "ends too early");
        target = target.subspan(static_cast<std::size_t>(got));
        position += got;
    }
    return {};
}

}  // namespace

Result<GuestMemory> GuestMemory::Create(std::uint64_t size, PageBacking backing) {
    const bool huge = backing == PageBacking::kHuge;
    ScopedFd fd(
        ::memfd_create("husk-guest-ram", MFD_CLOEXEC | MFD_ALLOW_SEALING | (huge ? MFD_HUGETLB | MFD_HUGE_2MB : 0U)));
    if (!fd) return FailOs("cannot create guest memory");
    if (::ftruncate(fd.Get(), static_cast<off_t>(size)) != 0) return FailOs("cannot size guest memory");
    if (::fcntl(fd.Get(), F_ADD_SEALS, kSeals) != 0) return FailOs("cannot seal guest memory");
    std::byte* const base = HUSK_TRY(Map(fd.Get(), size));
    if (!huge) ::madvise(base, size, MADV_HUGEPAGE);  // advice: a kernel without huge pages is fine
    ::madvise(base, size, MADV_DONTDUMP);
    return GuestMemory(std::move(fd), base, size);
}

Result<GuestMemory> GuestMemory::Attach(ScopedFd memfd) {
    struct stat status{};
    if (::fstat(memfd.Get(), &status) != 0) return FailOs("cannot inspect guest memory");
    const int seals = ::fcntl(memfd.Get(), F_GET_SEALS);
    if (seals < 0 || (seals & kSeals) != kSeals) return Fail("guest memory is not sealed");
    const auto size = static_cast<std::uint64_t>(status.st_size);
    if (size < address_map::kMinRam || size % address_map::kPageSize != 0) return Fail("guest memory has an odd size");
    std::byte* const base = HUSK_TRY(Map(memfd.Get(), size));
    ::madvise(base, size, MADV_DONTDUMP);
    return GuestMemory(std::move(memfd), base, size);
}

GuestMemory::GuestMemory(ScopedFd fd, std::byte* base, std::uint64_t size)
    : fd_(std::move(fd)), base_(base), size_(size) {
    low_ = std::min(size, address_map::kLowRamEnd.Value());
    high_ = size - low_;
    regions_.push_back({GuestAddress(0), {base, low_}});
    if (high_ > 0) regions_.push_back({address_map::kHighRamStart, {base + low_, high_}});
}

GuestMemory::GuestMemory(GuestMemory&& other) noexcept
    : fd_(std::move(other.fd_)),
      base_(std::exchange(other.base_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      low_(std::exchange(other.low_, 0)),
      high_(std::exchange(other.high_, 0)),
      regions_(std::move(other.regions_)) {}

GuestMemory::~GuestMemory() {
    if (base_ != nullptr) ::munmap(base_, size_);
}

bool GuestMemory::Write(GuestAddress at, std::span<const std::byte> bytes) const {
    const auto target = Slice(at, bytes.size());
    if (!target) return false;
    std::ranges::copy(bytes, target->begin());
    return true;
}

Result<> GuestMemory::LoadFile(GuestAddress at, int fd, std::uint64_t offset, std::uint64_t length) const {
    const auto target = Slice(at, length);
    if (!target) return Fail(ErrorKind::kBootSource, "does not fit into guest memory");
    // From page cache to page cache: pages that are written whole are neither zeroed nor mapped first, as they would be
    // if the file were read into the mapping.
    if (::lseek(fd_.Get(), target->data() - base_, SEEK_SET) < 0) return FailOs("cannot write to guest memory");
    auto position = static_cast<off_t>(offset);
    for (std::uint64_t left = length; left > 0;) {
        const ssize_t moved = ::sendfile(fd_.Get(), fd, &position, left);
        if (moved < 0 && errno == EINTR) continue;
        // Huge pages cannot be written to but through a mapping.
        if (moved < 0 && errno == EINVAL) return ReadInto(target->last(left), fd, position);
        if (moved < 0) return std::unexpected(Error::Os("cannot be read").As(ErrorKind::kBootSource));
        if (moved == 0) return Fail(ErrorKind::kBootSource, "ends too early");
        left -= static_cast<std::uint64_t>(moved);
    }
    return {};
}

}  // namespace husk
