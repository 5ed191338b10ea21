// Partitions: where the file systems of a disk image are, by its GPT (UEFI 2.10 §5.3) or MBR, as Linux will see them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "boot/nixos/byte_source.h"
#include "vmm/base/result.h"

namespace husk {

enum class PartitionKind {
    kEsp,       // the EFI system partition
    kXbootldr,  // the extended boot loader partition (Boot Loader Specification)
    kOther,
};

struct Partition {
    std::uint32_t number = 0;  // as Linux counts them, from 1; 0: the whole source
    ByteRange range;           // within the source, not empty
    PartitionKind kind = PartitionKind::kOther;
    friend bool operator==(const Partition&, const Partition&) = default;
};

// In the order of the table. The rules:
// - A GPT counts when the MBR has the protective entry, as for Linux (an isohybrid ISO has none: its MBR counts). When
// its
//   primary header or table is damaged, the backup counts; when both are, that is an error. Sectors have 512 bytes,
//   or 4096 when no header is where it is with 512.
// - Without a GPT: the MBR's partitions, the logical ones from 5. Without an MBR, or with an empty one (a bare file
// system):
//   one partition, the whole source. Hence there may be none only when a table says so.
// - A partition that ends after the source: an error for a boot partition (the image was cut), else it is left out.
// - Partitions that overlap are an error, but one that begins at byte 0 may hold others: an isohybrid's.
// Reads a few MiB at most.
[[nodiscard]] Result<std::vector<Partition>> ReadPartitions(const ByteSource& source);

}  // namespace husk
