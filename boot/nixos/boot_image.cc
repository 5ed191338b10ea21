#include "boot/nixos/boot_image.h"

#include "boot/nixos/menus/disk_menu.h"
#include "boot/nixos/menus/isolinux.h"
#include "boot/nixos/volumes/fat.h"
#include "boot/nixos/volumes/iso9660.h"

namespace husk {

Result<BootImage> BootImage::Open(const ByteSource& source) {
    BootImage image;
    image.is_iso_ = IsoVolume::IsIso(source);
    HUSK_TRY(image.is_iso_ ? image.OpenIso(source) : image.OpenDisk(source));
    return image;
}

Result<EntryFiles> BootImage::Files(const BootEntry& entry) const { return PlanEntry(entry, Volumes()); }

Result<> BootImage::OpenIso(const ByteSource& source) {
    volumes_.push_back(std::make_unique<IsoVolume>(HUSK_TRY(IsoVolume::Open(source))));
    menu_ = HUSK_TRY(ReadIsoMenu(source, *volumes_.front()));
    return {};
}

Result<> BootImage::OpenDisk(const ByteSource& source) {
    const std::vector<Partition> partitions = HUSK_TRY(ReadPartitions(source));
    // In the order in which boot loaders look.
    for (const PartitionKind kind : {PartitionKind::kEsp, PartitionKind::kXbootldr, PartitionKind::kOther}) {
        HUSK_TRY(AddVolumes(source, partitions, kind));
    }
    menu_ = HUSK_TRY(ReadDiskMenu(source, Volumes()));
    return {};
}

// What is no FAT is left out: nothing to boot is found there. A damaged one is an error only where firmware would look.
Result<> BootImage::AddVolumes(const ByteSource& source, const std::vector<Partition>& partitions, PartitionKind kind) {
    for (const Partition& partition : partitions) {
        if (partition.kind != kind || !FatVolume::IsFat(source, partition.range)) continue;
        auto volume = FatVolume::Open(source, partition.range);
        if (!volume && kind == PartitionKind::kOther) continue;
        const std::string name = "partition " + std::to_string(partition.number);
        volumes_.push_back(std::make_unique<FatVolume>(HUSK_TRY_IN(name, std::move(volume))));
    }
    return {};
}

std::vector<const Volume*> BootImage::Volumes() const {
    std::vector<const Volume*> volumes;
    for (const auto& volume : volumes_) volumes.push_back(volume.get());
    return volumes;
}

}  // namespace husk
