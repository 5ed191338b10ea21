#include "boot/linux/kernel_plan.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

#include "boot/linux/bzimage.h"
#include "boot/linux/elf.h"
#include "vmm/memory/address_map.h"

namespace husk {
namespace {

Result<> CheckSegment(const KernelSegment& segment) {
    if (segment.file_length > segment.memory_length) {
        return Fail(ErrorKind::kBootSource, "has a segment with more bytes in the file than in memory: it is damaged");
    }
    if (!segment.address.CheckedAdd(segment.memory_length)) {
        return Fail(ErrorKind::kBootSource,
                    "has a segment that wraps around the end of the address space: it is damaged");
    }
    if (segment.address < address_map::kHighMemory) {
        return Fail(ErrorKind::kBootSource, "is to be loaded at " + Hex(segment.address.Value()) +
                                                ", but below 1 MiB there is no room for a kernel");
    }
    return {};
}

}  // namespace

std::string Hex(std::uint64_t value) {
    std::array<char, 16> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value, 16).ptr;
    return "0x" + std::string(digits.data(), end);
}

Result<> CheckInFile(std::string_view format, std::uint64_t offset, std::uint64_t length, std::uint64_t file_size) {
    std::uint64_t end = 0;
    if (__builtin_add_overflow(offset, length, &end)) {
        return Fail(ErrorKind::kBootSource,
                    "names a part of itself that wraps around: the " + std::string(format) + " is damaged");
    }
    if (end <= file_size) return {};
    const std::uint64_t missing = end - file_size;
    return Fail(ErrorKind::kBootSource, "ends " + std::to_string(missing) + (missing == 1 ? " byte" : " bytes") +
                                            " too early: the " + std::string(format) + " is truncated");
}

Result<> CheckSegments(KernelPlan& plan) {
    for (const KernelSegment& segment : plan.segments) HUSK_TRY(CheckSegment(segment));
    std::ranges::sort(plan.segments, {}, &KernelSegment::address);
    const auto overlaps = [](const KernelSegment& a, const KernelSegment& b) { return a.End() > b.address; };
    if (const auto found = std::ranges::adjacent_find(plan.segments, overlaps); found != plan.segments.end()) {
        return Fail(ErrorKind::kBootSource,
                    "has segments that overlap at " + Hex(std::next(found)->address.Value()) + ": it is damaged");
    }
    const auto holds_entry = [&plan](const KernelSegment& segment) {
        return plan.entry >= segment.address && plan.entry.Value() - segment.address.Value() < segment.file_length;
    };
    if (std::ranges::none_of(plan.segments, holds_entry)) {
        return Fail(ErrorKind::kBootSource,
                    "starts at " + Hex(plan.entry.Value()) + ", where it has no code: it is damaged");
    }
    return {};
}

Result<KernelPlan> ParseKernel(std::span<const std::byte> file) {
    if (IsElf(file)) return ParseElf(file);
    if (IsBzImage(file)) return ParseBzImage(file);
    if (file.empty()) return Fail(ErrorKind::kBootSource, "is empty");
    return Fail(ErrorKind::kBootSource, "is neither a bzImage nor an ELF file");
}

}  // namespace husk
