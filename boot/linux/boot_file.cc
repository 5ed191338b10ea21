#include "boot/linux/boot_file.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace husk {
namespace {

Result<> ReadPiece(int fd, std::uint64_t offset, std::span<std::byte> out) {
    while (!out.empty()) {
        const ssize_t got = ::pread(fd, out.data(), out.size(), static_cast<off_t>(offset));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return std::unexpected(Error::Os("the kernel cannot be read").As(ErrorKind::kBootSource));
        if (got == 0) return Fail(ErrorKind::kBootSource, "the kernel ends too early");
        offset += static_cast<std::uint64_t>(got);
        out = out.subspan(static_cast<std::size_t>(got));
    }
    return {};
}

}  // namespace

std::uint64_t BootFile::Size() const {
    std::uint64_t size = 0;
    for (const FilePiece& piece : pieces) size = piece.length > ~size ? ~std::uint64_t{0} : size + piece.length;
    return size;
}

Result<> BootFile::Load(const GuestMemory& memory, GuestAddress at, std::uint64_t offset, std::uint64_t length) const {
    for (const FilePiece& piece : pieces) {
        if (length == 0) break;
        if (offset >= piece.length) {
            offset -= piece.length;
            continue;
        }
        const std::uint64_t here = std::min(length, piece.length - offset);
        HUSK_TRY(memory.LoadFile(at, fd, piece.offset + offset, here));
        at = GuestAddress(at.Value() + here);
        length -= here;
        offset = 0;
    }
    if (length > 0) return Fail(ErrorKind::kBootSource, "ends too early");
    return {};
}

Result<KernelBytes> KernelBytes::Create(const BootFile& file) {
    const std::uint64_t size = file.Size();
    if (size > kMost) return Fail(ErrorKind::kBootSource, "the kernel is larger than any kernel: 1 GiB");
    const bool whole = file.pieces.size() == 1 && file.pieces.front().offset == 0;
    void* const base = whole ? ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.fd, 0)
                             : ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED) return std::unexpected(Error::Os("the kernel cannot be mapped").As(ErrorKind::kBootSource));
    KernelBytes bytes({static_cast<std::byte*>(base), size});
    if (whole) return bytes;
    std::span<std::byte> left = bytes.bytes_;
    for (const FilePiece& piece : file.pieces) {
        HUSK_TRY(ReadPiece(file.fd, piece.offset, left.first(piece.length)));
        left = left.subspan(piece.length);
    }
    return bytes;
}

KernelBytes::KernelBytes(KernelBytes&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}

KernelBytes::~KernelBytes() {
    if (!bytes_.empty()) ::munmap(bytes_.data(), bytes_.size());
}

}  // namespace husk
