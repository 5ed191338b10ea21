// VolumeIdentity: what a file system calls itself, to tell whether root=LABEL= or root=UUID= names one that is there.
#pragma once

#include <optional>
#include <string>

#include "boot/nixos/byte_source.h"
#include "vmm/base/result.h"

namespace husk {

// As blkid prints them. A stranger's texts, made fit to be shown: control characters are '?'.
struct VolumeIdentity {
    std::string type;   // ext2, ext3, ext4, btrfs, xfs, vfat, iso9660, squashfs, erofs, crypto_LUKS
    std::string label;  // what /dev/disk/by-label shows, unescaped; empty: none
    std::string uuid;   // what /dev/disk/by-uuid shows; empty: none
    friend bool operator==(const VolumeIdentity&, const VolumeIdentity&) = default;
};

// Nothing when it is none of these. Reads superblocks (72 KiB), and of vfat the root directory, where its label is. An
// error only when the range is not within the source, or the host cannot read.
[[nodiscard]] Result<std::optional<VolumeIdentity>> ProbeVolume(const ByteSource& source, const ByteRange& range);

}  // namespace husk
