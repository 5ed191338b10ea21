// BootFile: where the bytes of a kernel or an initrd are: a file of its own, or pieces of a disk image.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "vmm/base/result.h"
#include "vmm/memory/guest_address.h"
#include "vmm/memory/guest_memory.h"

namespace husk {

struct FilePiece {
    std::uint64_t offset = 0;  // bytes
    std::uint64_t length = 0;  // bytes
};

// The pieces of `fd`, one after the other. `fd` is a regular file, a block device or a memfd, open for reading; it
// stays the caller's. Offsets and lengths may be a stranger's.
struct BootFile {
    int fd = -1;
    std::vector<FilePiece> pieces;

    // Bytes; the largest number when the lengths do not add up to one.
    [[nodiscard]] std::uint64_t Size() const;
    // Copies `length` bytes from `offset` (of the file, not of `fd`) to guest memory.
    [[nodiscard]] Result<> Load(const GuestMemory& memory, GuestAddress at, std::uint64_t offset,
                                std::uint64_t length) const;
};

// All bytes of a kernel, to be parsed. A file of its own is mapped, and must not shrink meanwhile (SIGBUS); what lies
// in an image is copied: an image may not be mappable under SELinux.
class KernelBytes {
 public:
    // Larger than any kernel: nothing larger is copied.
    static constexpr std::uint64_t kMost = 1ULL << 30;

    [[nodiscard]] static Result<KernelBytes> Create(const BootFile& file);
    KernelBytes(KernelBytes&& other) noexcept;
    KernelBytes& operator=(KernelBytes&&) = delete;
    ~KernelBytes();
    [[nodiscard]] std::span<const std::byte> Bytes() const { return bytes_; }

 private:
    explicit KernelBytes(std::span<std::byte> bytes) : bytes_(bytes) {}
    std::span<std::byte> bytes_;
};

}  // namespace husk
