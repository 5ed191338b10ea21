#include "boot/linux/bzimage.h"

#include <asm/bootparam.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>

#include "boot/linux/layout.h"
#include "vmm/base/bytes.h"
#include "vmm/memory/address_map.h"

namespace husk {
namespace {

// Offsets in the file.
constexpr std::size_t kSetupHeader = 0x1f1;
constexpr std::size_t kBootFlag = 0x1fe;
constexpr std::size_t kJumpDistance = 0x201;  // of a jump over the header: tells where the header ends
constexpr std::size_t kHeaderMagic = 0x202;
constexpr std::size_t kHeaderNeeded = 0x264;  // up to and with init_size, the last field of version 2.10
constexpr std::size_t kHeaderMax = 0x290;     // what follows has other owners in boot_params

constexpr std::uint16_t kBootFlagValue = 0xaa55;
constexpr std::uint32_t kHeaderMagicValue = 0x5372'6448;  // "HdrS"
constexpr std::uint16_t kOldestVersion = 0x020c;          // 2.12: the first to say whether there is a 64-bit entry
constexpr std::uint64_t kSectorSize = 512;
constexpr std::uint64_t kParagraphSize = 16;
constexpr std::uint64_t kEntry64 = 0x200;  // from the start of the protected-mode code
constexpr std::uint32_t kAlignmentMax = 1U << 30;

std::string VersionText(std::uint16_t version) {
    const std::string minor = std::to_string(version & 0xff);
    return std::to_string(version >> 8) + (minor.size() < 2 ? ".0" : ".") + minor;
}

// The header's bytes in the file, as many as it says it has.
Result<std::span<const std::byte>> FindHeader(std::span<const std::byte> file) {
    HUSK_TRY(CheckInFile("bzImage", 0, kHeaderNeeded, file.size()));
    const std::size_t end = kHeaderMagic + std::to_integer<std::size_t>(file[kJumpDistance]);
    if (end < kHeaderNeeded || end > kHeaderMax) {
        return Fail(ErrorKind::kBootSource, "has a setup header of impossible length: the bzImage is damaged");
    }
    HUSK_TRY(CheckInFile("bzImage", 0, end, file.size()));
    return file.subspan(kSetupHeader, end - kSetupHeader);
}

Result<> CheckHeader(const ::setup_header& header) {
    if (header.version < kOldestVersion) {
        return Fail(ErrorKind::kBootSource, "speaks boot protocol " + VersionText(header.version) +
                                                "; 2.12 (Linux 3.8) is the oldest that will do");
    }
    if ((header.xloadflags & XLF_KERNEL_64) == 0) {
        return Fail(ErrorKind::kBootSource, "has no 64-bit entry (XLF_KERNEL_64): it is not a kernel for x86-64");
    }
    if ((header.loadflags & LOADED_HIGH) == 0) {
        return Fail(ErrorKind::kBootSource, "is a zImage, to be loaded below 1 MiB: only a bzImage will do");
    }
    const std::uint32_t alignment = header.kernel_alignment;
    if (header.relocatable_kernel != 0 && (!std::has_single_bit(alignment) || alignment > kAlignmentMax)) {
        return Fail(ErrorKind::kBootSource,
                    "asks for an alignment of " + std::to_string(alignment) + " bytes: the bzImage is damaged");
    }
    return {};
}

// boot.rst, init_size: a relocatable kernel runs at its load address aligned up, any other at its preferred
// address.
std::optional<GuestAddress> LoadAddress(const ::setup_header& header) {
    const GuestAddress preferred =
        header.pref_address != 0 ? GuestAddress(header.pref_address) : address_map::kHighMemory;
    if (header.relocatable_kernel == 0) return preferred;
    const std::uint64_t mask = header.kernel_alignment - 1U;
    const auto raised = preferred.CheckedAdd(mask);
    return raised ? std::optional(GuestAddress(raised->Value() & ~mask)) : std::nullopt;
}

}  // namespace

bool IsBzImage(std::span<const std::byte> file) {
    return LoadAt<std::uint16_t>(file, kBootFlag) == kBootFlagValue &&
           LoadAt<std::uint32_t>(file, kHeaderMagic) == kHeaderMagicValue;
}

Result<KernelPlan> ParseBzImage(std::span<const std::byte> file) {
    KernelPlan plan;
    plan.format = KernelFormat::kBzImage;
    const std::span<const std::byte> header_bytes = HUSK_TRY(FindHeader(file));
    plan.setup_header.assign(header_bytes.begin(), header_bytes.end());
    ::setup_header header{};
    std::memcpy(&header, plan.setup_header.data(), std::min(sizeof header, plan.setup_header.size()));
    HUSK_TRY(CheckHeader(header));

    const std::uint64_t setup_sectors = header.setup_sects != 0 ? header.setup_sects : 4;
    const std::uint64_t code_offset = (1 + setup_sectors) * kSectorSize;
    const std::uint64_t code_length = header.syssize * kParagraphSize;
    HUSK_TRY(CheckInFile("bzImage", code_offset, code_length, file.size()));
    const auto load_address = LoadAddress(header);
    const auto entry = load_address ? load_address->CheckedAdd(kEntry64) : std::nullopt;
    if (!entry) {
        return Fail(ErrorKind::kBootSource,
                    "prefers the address " + Hex(header.pref_address) + ": the bzImage is damaged");
    }
    plan.segments.push_back({.file_offset = code_offset,
                             .file_length = code_length,
                             .address = *load_address,
                             .memory_length = std::max<std::uint64_t>(header.init_size, code_length)});
    plan.entry = *entry;
    plan.cmdline_max = std::min<std::uint64_t>(header.cmdline_size, boot_layout::kCommandLineSize - 1);
    plan.initrd_last = GuestAddress(header.initrd_addr_max);
    HUSK_TRY(CheckSegments(plan));
    return plan;
}

}  // namespace husk
