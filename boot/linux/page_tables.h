// The page tables that a 64-bit kernel is entered with: the first 4 GiB mapped one to one by 2 MiB pages
// (Intel SDM vol. 3, 4.5). Every level carries the user bit: a kernel replaces these tables within its first
// instructions, and a hypervisor without hardware support for two rings of a guest wants them to agree, all
// user or all supervisor.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "vmm/memory/guest_address.h"

namespace husk {

inline constexpr std::size_t kPageTableEntries = 512;

// One PML4, one page-directory-pointer table, four page directories.
using BootPageTables = std::array<std::array<std::uint64_t, kPageTableEntries>, 6>;
static_assert(sizeof(BootPageTables) == 6 * 4096);

// The tables for the place `at`, which is page-aligned and becomes CR3.
void FillPageTables(BootPageTables& tables, GuestAddress at);

}  // namespace husk
