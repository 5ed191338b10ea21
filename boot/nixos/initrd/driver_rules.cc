// Rules about drivers: without them stage 1 waits for a disk that never comes, and panics.
#include <array>
#include <optional>
#include <string>

#include "boot/nixos/initrd/finding_rules.h"
#include "boot/nixos/initrd/printable.h"

namespace husk {
namespace {

constexpr std::string_view kQemuGuest = "imports = [ (modulesPath + \"/profiles/qemu-guest.nix\") ];";

struct Needed {
    std::string_view module;
    std::string_view option;
};
constexpr std::array kDiskDrivers = {Needed{"virtio_mmio", "VIRTIO_MMIO"}, Needed{"virtio_blk", "VIRTIO_BLK"}};

std::string Joined(std::span<const std::string_view> words, std::string_view separator) {
    std::string text;
    for (const std::string_view word : words) {
        if (!text.empty()) text += separator;
        text += word;
    }
    return text;
}

std::string QuotedList(std::span<const std::string_view> words) {
    std::string text = "[ ";
    for (const std::string_view word : words) text += "\"" + std::string(word) + "\" ";
    return text + "]";
}

// The drivers of which an answer is known, by it.
struct DiskDrivers {
    std::vector<std::string_view> missing;
    std::vector<std::string_view> not_in_kernel;  // the options
    bool all_unknown = true;
};

DiskDrivers FindDiskDrivers(const Subject& subject) {
    DiskDrivers found;
    for (const Needed& needed : kDiskDrivers) {
        const Driver driver = FindDriver(subject, needed.module, needed.option);
        if (driver == Driver::kMissing) found.missing.push_back(needed.module);
        if (driver == Driver::kNotInKernel) found.not_in_kernel.push_back(needed.option);
        found.all_unknown = found.all_unknown && driver == Driver::kUnknown;
    }
    return found;
}

void ReportMissing(const Subject& subject, const DiskDrivers& drivers, FindingList& findings) {
    // A netboot image carries its system, and can do without disks.
    const bool boots = subject.initrd.holds_store;
    const Severity severity = boots ? Severity::kMaySurprise : Severity::kWillNotBoot;
    const std::string names = Joined(drivers.missing, " and ");
    if (subject.entry.initrds.empty()) {
        findings.Add(severity, "there is no initrd to load " + names +
                                   " from, and the kernel has them as modules: no disk will be found");
        return;
    }
    const bool pci = subject.initrd.HasModule("virtio_pci") && drivers.missing.front() == "virtio_mmio";
    const std::string what = pci ? "the initrd drives virtio by PCI (virtio_pci) and has no " + names +
                                       "; this machine has no PCI, so no disk will be found"
                                 : "the initrd has no " + names + ", so no disk will be found";
    findings.Add(severity, what + ": " + HowToAddModules(subject, drivers.missing));
}

void CheckDiskDrivers(const Subject& subject, FindingList& findings) {
    const DiskDrivers drivers = FindDiskDrivers(subject);
    if (!drivers.not_in_kernel.empty()) {
        findings.WillNotBoot("the kernel was built without CONFIG_" + Joined(drivers.not_in_kernel, " and CONFIG_") +
                             ", so no disk will be found: NixOS's and Debian's kernels have it");
    }
    if (!drivers.missing.empty()) ReportMissing(subject, drivers, findings);
    if (drivers.all_unknown && subject.InitrdKnown() && !subject.initrd.holds_store) {
        findings.MaySurprise(
            "the initrd has no kernel modules, and the kernel does not say what is built into it: without virtio_mmio "
            "and virtio_blk in it no disk will be found");
    }
}

struct FileSystem {
    std::string_view type;
    Needed driver;
};
constexpr std::array kFileSystems = {
    FileSystem{"ext4", {"ext4", "EXT4_FS"}},          FileSystem{"ext3", {"ext4", "EXT4_FS"}},
    FileSystem{"ext2", {"ext4", "EXT4_FS"}},          FileSystem{"erofs", {"erofs", "EROFS_FS"}},
    FileSystem{"squashfs", {"squashfs", "SQUASHFS"}}, FileSystem{"overlay", {"overlay", "OVERLAY_FS"}},
    FileSystem{"btrfs", {"btrfs", "BTRFS_FS"}},       FileSystem{"xfs", {"xfs", "XFS_FS"}},
    FileSystem{"f2fs", {"f2fs", "F2FS_FS"}},          FileSystem{"vfat", {"vfat", "VFAT_FS"}},
    FileSystem{"iso9660", {"isofs", "ISO9660_FS"}},
};

std::optional<Needed> DriverOf(std::string_view type) {
    for (const FileSystem& file_system : kFileSystems) {
        if (file_system.type == type) return file_system.driver;
    }
    return std::nullopt;
}

void CheckFileSystems(const Subject& subject, FindingList& findings) {
    // Without a list of what is built in, a missing module proves nothing: file systems often are.
    if (!subject.initrd.built_in && !subject.kernel.config) return;
    std::set<std::string_view> seen;
    for (const InitrdMount& mount : subject.initrd.mounts) {
        const auto driver = DriverOf(mount.type);
        if (!driver || !seen.insert(driver->module).second) continue;
        const Driver where = FindDriver(subject, driver->module, driver->option);
        const std::string mounts = "stage 1 mounts " + Printable(mount.point) + " as " + mount.type + ", and ";
        if (where == Driver::kNotInKernel) {
            findings.WillNotBoot(mounts + "the kernel was built without CONFIG_" + std::string(driver->option) +
                                 ": take another kernel or another file system");
        }
        if (where == Driver::kMissing) {
            findings.WillNotBoot(
                mounts + "the initrd has no driver for it: " + HowToAddModules(subject, std::span(&driver->module, 1)));
        }
    }
}

void CheckLuks(const Subject& subject, FindingList& findings) {
    const bool encrypted =
        std::ranges::any_of(subject.volumes, [](const VolumeIdentity& volume) { return volume.type == "crypto_LUKS"; });
    if (!encrypted || !subject.InitrdKnown() || !subject.initrd.unlocks_luks) return;
    const Driver driver = FindDriver(subject, "dm_crypt", "DM_CRYPT");
    if (driver != Driver::kMissing && driver != Driver::kNotInKernel) return;
    constexpr std::array<std::string_view, 1> kModules = {"dm_crypt"};
    findings.WillNotBoot("a disk is encrypted by LUKS, and the initrd has no dm_crypt to read it: " +
                         HowToAddModules(subject, kModules));
}

}  // namespace

Driver FindDriver(const Subject& subject, std::string_view module, std::string_view option) {
    const auto& config = subject.kernel.config;
    const KernelOption configured = config ? config->Get(option) : KernelOption::kModule;
    if (configured == KernelOption::kBuiltIn || subject.initrd.BuiltIn(module)) return Driver::kBuiltIn;
    if (configured == KernelOption::kAbsent) return Driver::kNotInKernel;
    if (subject.initrd.HasModule(module)) return Driver::kInInitrd;
    if (subject.entry.initrds.empty()) return config ? Driver::kMissing : Driver::kUnknown;
    const bool conclusive = config || subject.initrd.built_in || !subject.initrd.modules.empty();
    return subject.InitrdKnown() && conclusive ? Driver::kMissing : Driver::kUnknown;
}

std::string HowToAddModules(const Subject& subject, std::span<const std::string_view> modules) {
    const bool virtio = modules.front().starts_with("virtio");
    const std::string available = "boot.initrd.availableKernelModules = " + QuotedList(modules) + ";";
    if (!subject.initrd.nixos) {
        return "add " + Joined(modules, " and ") + " to it (Debian: /etc/initramfs-tools/modules, update-initramfs -u)";
    }
    return "add to its configuration " + (virtio ? std::string(kQemuGuest) + " or " : "") + available;
}

void CheckDrivers(const Subject& subject, FindingList& findings) {
    CheckDiskDrivers(subject, findings);
    CheckFileSystems(subject, findings);
    CheckLuks(subject, findings);
}

}  // namespace husk
