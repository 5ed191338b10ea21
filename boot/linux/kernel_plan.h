// KernelPlan: what is to be copied where, and what the kernel demands, as its file's headers say. The result
// of parsing (bzimage.h, elf.h), made of checked numbers only; the loader (linux_boot.h) sees nothing else of
// a kernel's headers.
//
// The file's bytes are hostile: every offset, length and address in them is checked against the file's length
// and for wrapping before it is used. A refusal is one sentence that lacks its subject ("is neither a bzImage
// nor an ELF file"), of kind kBootSource: callers put the path or "the kernel" before it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "vmm/base/result.h"
#include "vmm/memory/guest_address.h"

namespace husk {

enum class KernelFormat { kBzImage, kElfPvh };

// `file_length` bytes of the file go to `address`; up to `memory_length` the kernel expects zeros, or owns
// the memory.
struct KernelSegment {
    std::uint64_t file_offset = 0;
    std::uint64_t file_length = 0;
    GuestAddress address;
    std::uint64_t memory_length = 0;

    // The first address behind it. Only for segments that CheckSegments() has seen: those do not wrap.
    [[nodiscard]] GuestAddress End() const { return GuestAddress(address.Value() + memory_length); }
    friend bool operator==(const KernelSegment&, const KernelSegment&) = default;
};

struct KernelPlan {
    KernelFormat format = KernelFormat::kBzImage;
    std::vector<KernelSegment> segments;  // at least one, ascending, disjoint, none below 1 MiB
    GuestAddress entry;                   // inside a segment's file bytes
    std::uint64_t cmdline_max = 0;        // bytes, without the terminating zero
    GuestAddress initrd_last;             // the highest address an initrd's byte may have
    std::vector<std::byte> setup_header;  // kBzImage: the header to hand back in boot_params, from its byte 0x1f1 on
};

// What every kernel loader starts from. `file` is the whole file.
[[nodiscard]] Result<KernelPlan> ParseKernel(std::span<const std::byte> file);

// For the parsers of the formats: sorts the segments and refuses a plan that breaks what KernelPlan promises
// of them.
[[nodiscard]] Result<> CheckSegments(KernelPlan& plan);

// For the parsers of the formats: nothing when `length` bytes at `offset` are within a file of `file_size`
// bytes, otherwise the sentence that says how much is missing. `format` is "bzImage" or "ELF file".
[[nodiscard]] Result<> CheckInFile(std::string_view format, std::uint64_t offset, std::uint64_t length,
                                   std::uint64_t file_size);

// "0x1f" of 31, for error sentences.
[[nodiscard]] std::string Hex(std::uint64_t value);

}  // namespace husk
