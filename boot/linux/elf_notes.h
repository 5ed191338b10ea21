// The note that makes an ELF kernel a PVH kernel: its 32-bit entry point (Xen public/elfnote.h,
// XEN_ELFNOTE_PHYS32_ENTRY).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "vmm/memory/guest_address.h"

namespace husk {

// The entry that the notes of one PT_NOTE segment name, or nothing. `notes` are the segment's bytes in the
// file, `alignment` its p_align: 8 aligns names and descriptors to 8 bytes, anything else to 4 (as Linux and
// Xen do). The lengths inside are hostile: a note that reaches past the end ends the search.
[[nodiscard]] std::optional<GuestAddress> FindPvhEntry(std::span<const std::byte> notes, std::uint64_t alignment);

}  // namespace husk
