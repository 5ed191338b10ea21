// GuestMemory: the guest's RAM, and the one checked door to it.
//
// RAM is one sealed memfd: [0, 3 GiB) of the guest is its first part, [4 GiB, ...) the rest. The vmm role creates it
// and hands the descriptor to the workers, which attach. Addresses and lengths are guest-chosen everywhere: a range is
// usable only as a Slice(), whose bounds were checked. What a slice shows can change under the reader's eyes at any
// moment (the guest is running): copy once, check the copy, use the copy.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <type_traits>
#include <vector>

#include "vmm/base/bytes.h"
#include "vmm/base/result.h"
#include "vmm/base/scoped_fd.h"
#include "vmm/memory/address_map.h"
#include "vmm/memory/guest_address.h"

namespace husk {

// A stretch of RAM that is contiguous for the guest and in this process: one KVM memory slot.
struct MemoryRegion {
    GuestAddress start;
    std::span<std::byte> host;
};

enum class PageBacking {
    kTransparent,  // ordinary pages, huge ones where the kernel sees fit
    kHuge,         // 2 MiB pages from the host's hugetlb pool
};

class GuestMemory {
 public:
    // `size` in bytes: a multiple of 4 KiB (2 MiB with kHuge), at least address_map::kMinRam.
    [[nodiscard]] static Result<GuestMemory> Create(std::uint64_t size,
                                                    PageBacking backing = PageBacking::kTransparent);
    // Maps the memory another role created; the descriptor's seals are checked, and that it has a size Create() takes.
    [[nodiscard]] static Result<GuestMemory> Attach(ScopedFd memfd);

    GuestMemory(GuestMemory&&) noexcept;
    GuestMemory& operator=(GuestMemory&&) = delete;
    ~GuestMemory();

    [[nodiscard]] std::uint64_t Size() const { return size_; }
    [[nodiscard]] int Fd() const { return fd_.Get(); }
    // One or two regions, ascending.
    [[nodiscard]] std::span<const MemoryRegion> Regions() const { return regions_; }

    // The `length` bytes at `at`, or nothing when any of them is not RAM (or the range wraps, or crosses the hole).
    [[nodiscard]] std::optional<std::span<std::byte>> Slice(GuestAddress at, std::uint64_t length) const {
        // Inline, since every buffer of every request comes by here, nearly always in the low part.
        const std::uint64_t address = at.Value();
        if (address <= low_) [[likely]] {
            if (length > low_ - address) return std::nullopt;
            return std::span(base_ + address, length);
        }
        const std::uint64_t offset = address - address_map::kHighRamStart.Value();  // wraps below 4 GiB: then too large
        if (offset > high_ || length > high_ - offset) return std::nullopt;
        return std::span(base_ + low_ + offset, length);
    }

    // A copy of the T at `at`, taken once; nothing when it is not RAM.
    template <typename T>
        requires std::is_trivially_copyable_v<T>
    [[nodiscard]] std::optional<T> Read(GuestAddress at) const {
        const auto bytes = Slice(at, sizeof(T));
        return bytes ? LoadAt<T>(*bytes, 0) : std::nullopt;
    }
    // False, and nothing written, when the range is not RAM.
    [[nodiscard]] bool Write(GuestAddress at, std::span<const std::byte> bytes) const;

    // Copies `length` bytes of the regular file `fd` from `offset` to guest address `at`: in the kernel, from file to
    // file, unless this memory is of huge pages. Start-up only.
    [[nodiscard]] Result<> LoadFile(GuestAddress at, int fd, std::uint64_t offset, std::uint64_t length) const;

 private:
    GuestMemory(ScopedFd fd, std::byte* base, std::uint64_t size);

    ScopedFd fd_;
    std::byte* base_ = nullptr;
    std::uint64_t size_ = 0;
    std::uint64_t low_ = 0;   // bytes of RAM below the hole
    std::uint64_t high_ = 0;  // and above it
    std::vector<MemoryRegion> regions_;
};

}  // namespace husk
