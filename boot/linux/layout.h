// Where the loader keeps what a kernel finds at its first instruction: guest RAM between page 0 and
// kFirmwareStart. Kernels and initrds never come below 1 MiB, so these places collide with nothing
// (kernel_plan.h refuses segments down there).
#pragma once

#include <cstdint>

#include "vmm/memory/address_map.h"
#include "vmm/memory/guest_address.h"

namespace husk::boot_layout {

inline constexpr GuestAddress kGdt{0x1000};
inline constexpr GuestAddress kPvhStartInfo{0x2000};  // hvm_start_info, its module list and its memory map: one page
inline constexpr GuestAddress kSetupData{0x3000};     // the bzImage path's seed for the guest's random numbers
inline constexpr GuestAddress kZeroPage{0x7000};      // struct boot_params
inline constexpr GuestAddress kPageTables{0x9000};
inline constexpr std::uint64_t kPageTablesSize = 6 * address_map::kPageSize;
inline constexpr GuestAddress kCommandLine{0x20000};
inline constexpr std::uint64_t kCommandLineSize = 0x10000;  // with the terminating zero

inline constexpr GuestAddress kEnd{0x9f000};

static_assert(kZeroPage.Value() + address_map::kPageSize <= kPageTables.Value());
static_assert(kPageTables.Value() + kPageTablesSize <= kCommandLine.Value());
static_assert(kCommandLine.Value() + kCommandLineSize <= kEnd.Value());
static_assert(kEnd < address_map::kFirmwareStart && kEnd.Value() < address_map::kMinRam);

}  // namespace husk::boot_layout
