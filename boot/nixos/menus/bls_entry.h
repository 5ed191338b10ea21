// A boot entry of type 1: /loader/entries/*.conf (uapi-group.org's Boot Loader Specification, UAPI.1). One file,
// parsed.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "boot/nixos/menus/boot_menu.h"
#include "vmm/base/result.h"

namespace husk {

// How often the entry may still be tried, and how often it failed: from its file name.
struct BootCounter {
    std::uint32_t tries_left = 0;
    std::uint32_t tries_done = 0;
    friend bool operator==(const BootCounter&, const BootCounter&) = default;
};

struct BlsEntry {
    BootEntry entry;        // its id: the file's name without counter and .conf
    std::string file_name;  // with both
    std::string sort_key;   // empty: not said
    std::string machine_id;
    std::optional<BootCounter> counter;
};

// Whether systemd-boot takes a file of this name for an entry: *.conf, neither hidden nor called auto-*.
[[nodiscard]] bool IsBlsFileName(std::string_view file_name);

// An entry from a file of that name (IsBlsFileName) and content. Nothing for one that is not for a machine like ours
// (EFI programs, unified kernel images, other architectures): it is to be hidden. An error when it cannot be used.
[[nodiscard]] Result<std::optional<BlsEntry>> ParseBlsEntry(std::string_view file_name, std::string_view text);

// The specification's order, "Sorting", as systemd-boot has it: less is shown first, bad ones last. See CompareVersions
// for what it is not.
[[nodiscard]] std::weak_ordering CompareBlsEntries(const BlsEntry& a, const BlsEntry& b);

}  // namespace husk
