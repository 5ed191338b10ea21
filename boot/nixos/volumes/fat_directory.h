// The entries of a FAT directory: short names, the long ones before them, the volume's label (Microsoft FAT
// specification 1.03, "FAT Directory Structure", "Long Directory Entries").
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "boot/nixos/volumes/fat_geometry.h"

namespace husk {

struct FatEntry {
    std::string name;        // the long one where there is a valid one; UTF-8
    std::string short_name;  // in the letters that its lower-case bits say; what is not ASCII as '?'
    bool is_directory = false;
    Cluster first{};
    std::uint32_t size = 0;  // bytes, of a file

    // As FAT compares: either name will do, ASCII letters are alike.
    [[nodiscard]] bool IsCalled(std::string_view wanted) const;
};

// Walks the bytes of a directory, which outlive it. Files and directories only; deleted entries, labels, and long names
// that belong to no short one are passed over.
class FatDirectory {
 public:
    // Clusters have 28 bits in FAT32, else 16.
    FatDirectory(std::span<const std::byte> bytes, FatType type) : left_(bytes), type_(type) {}
    [[nodiscard]] std::optional<FatEntry> Next();

 private:
    std::span<const std::byte> left_;
    FatType type_;
};

// The volume's label, as the root directory has it; empty when it has none.
[[nodiscard]] std::string FatLabel(std::span<const std::byte> root);

}  // namespace husk
