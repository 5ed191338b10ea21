// The reader's checks: what of an entry will not work, and what file systems a disk has. They run in the sealed reader.
#pragma once

#include <span>
#include <vector>

#include "boot/nixos/boot_image.h"
#include "boot/nixos/initrd/decompression_libraries.h"
#include "boot/nixos/initrd/findings.h"
#include "boot/nixos/volumes/volume_labels.h"

namespace husk {

// Of every partition; of a source without partitions, its own.
[[nodiscard]] Result<std::vector<VolumeIdentity>> VolumesOf(const ByteSource& source);

// `initrds` in order. `volumes`: of all disks that will be attached.
[[nodiscard]] Result<std::vector<Finding>> CheckEntry(const BootEntry& entry, const ByteSource& kernel,
                                                      std::span<const ByteSource* const> initrds,
                                                      const std::vector<VolumeIdentity>& volumes,
                                                      const DecompressionLibraries& libraries);

// An entry of an image, whose own file systems count beside `others`.
[[nodiscard]] Result<std::vector<Finding>> CheckImageEntry(const BootImage& image, const BootEntry& entry,
                                                           const ByteSource& source, std::vector<VolumeIdentity> others,
                                                           const DecompressionLibraries& libraries);

}  // namespace husk
