#include "vmm/roles/reader_check.h"

#include <utility>

#include "boot/nixos/volumes/iso9660.h"
#include "boot/nixos/volumes/partitions.h"

namespace husk {

Result<std::vector<VolumeIdentity>> VolumesOf(const ByteSource& source) {
    std::vector<VolumeIdentity> volumes;
    const auto add = [&](const ByteRange& range) -> Result<> {
        if (auto identity = HUSK_TRY(ProbeVolume(source, range))) volumes.push_back(std::move(*identity));
        return {};
    };
    // An ISO is one as a whole, whatever its hybrid table of partitions says.
    if (IsoVolume::IsIso(source)) HUSK_TRY(add({0, source.Size()}));
    for (const Partition& partition : HUSK_TRY(ReadPartitions(source))) HUSK_TRY(add(partition.range));
    return volumes;
}

Result<std::vector<Finding>> CheckEntry(const BootEntry& entry, const ByteSource& kernel,
                                        std::span<const ByteSource* const> initrds,
                                        const std::vector<VolumeIdentity>& volumes,
                                        const DecompressionLibraries& libraries) {
    const InitrdFacts initrd = HUSK_TRY_IN("the initrd", ReadInitrd(initrds, libraries));
    const KernelFacts facts = HUSK_TRY_IN("the kernel", ReadKernel(kernel, libraries));
    return Check(entry, initrd, facts, volumes);
}

Result<std::vector<Finding>> CheckImageEntry(const BootImage& image, const BootEntry& entry, const ByteSource& source,
                                             std::vector<VolumeIdentity> others,
                                             const DecompressionLibraries& libraries) {
    EntryFiles files = HUSK_TRY(image.Files(entry));
    const RangesSource kernel(source, std::move(files.kernel.ranges));
    std::vector<RangesSource> initrds;
    for (FileExtents& initrd : files.initrds) initrds.emplace_back(source, std::move(initrd.ranges));
    std::vector<const ByteSource*> pointers;
    for (const RangesSource& initrd : initrds) pointers.push_back(&initrd);
    for (VolumeIdentity& own : HUSK_TRY(VolumesOf(source))) others.push_back(std::move(own));
    return CheckEntry(entry, kernel, pointers, others, libraries);
}

}  // namespace husk
