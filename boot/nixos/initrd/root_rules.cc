// Rules about what stage 1 waits for: is it on an attached disk?
#include <algorithm>
#include <cctype>
#include <set>
#include <string>
#include <string_view>

#include "boot/nixos/initrd/command_line.h"
#include "boot/nixos/initrd/finding_rules.h"
#include "boot/nixos/initrd/printable.h"

namespace husk {
namespace {

constexpr std::size_t kMaxNamed = 8;  // labels in one sentence
constexpr std::string_view kHowToUnlock = "boot.initrd.luks.devices.NAME.device = \"/dev/disk/by-uuid/...\";";

bool SameIgnoringCase(std::string_view a, std::string_view b) {
    return std::ranges::equal(a, b,
                              [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

bool Matches(const VolumeIdentity& volume, const DeviceName& name) {
    return name.by == DeviceName::By::kLabel ? volume.label == name.value : SameIgnoringCase(volume.uuid, name.value);
}

// What can hold a file system that cannot be seen from outside.
bool HidesOthers(const VolumeIdentity& volume) {
    constexpr std::string_view kContainers[] = {"crypto_LUKS", "LVM2_member", "linux_raid_member", "bcache"};
    return std::ranges::find(kContainers, volume.type) != std::end(kContainers);
}

bool IsLuks(const VolumeIdentity& volume) { return volume.type == "crypto_LUKS"; }

bool IsAttached(const Subject& subject, const DeviceName& name) {
    return std::ranges::any_of(subject.volumes, [&](const auto& volume) { return Matches(volume, name); });
}

// A disk is encrypted, and stage 1 has nothing that opens it.
bool IsLocked(const Subject& subject) {
    return subject.InitrdKnown() && !subject.initrd.unlocks_luks && std::ranges::any_of(subject.volumes, IsLuks);
}

// A file system that, if anywhere, is inside what stage 1 does not open.
bool IsLockedAway(const Subject& subject, const DeviceName& name) {
    const auto hides_more = [](const VolumeIdentity& volume) { return HidesOthers(volume) && !IsLuks(volume); };
    return IsLocked(subject) && !IsAttached(subject, name) && std::ranges::none_of(subject.volumes, hides_more);
}

// "the labels there are: nixos, ESP": what a person could have meant.
std::string WhatThereIs(const Subject& subject, DeviceName::By by) {
    std::string text;
    std::size_t named = 0;
    for (const VolumeIdentity& volume : subject.volumes) {
        const std::string& value = by == DeviceName::By::kLabel ? volume.label : volume.uuid;
        if (value.empty() || ++named > kMaxNamed) continue;
        text += (text.empty() ? "" : ", ") + Printable(value, 64);
    }
    if (named > kMaxNamed) text += " and " + std::to_string(named - kMaxNamed) + " more";
    const std::string kind = by == DeviceName::By::kLabel ? "labels" : "UUIDs";
    return text.empty() ? "there are no " + kind : "the " + kind + " there are: " + text;
}

void CheckNamed(const Subject& subject, const DeviceName& name, FindingList& findings) {
    if (IsAttached(subject, name)) return;
    const std::string sought = "stage 1 waits for a file system with the " +
                               std::string(name.by == DeviceName::By::kLabel ? "label " : "UUID ") +
                               Printable(name.value, 64);
    if (subject.volumes.empty()) {
        findings.MaySurprise(sought + ": attach the disk that has it (--disk)");
        return;
    }
    const std::string there_is = WhatThereIs(subject, name.by);
    const std::string hidden = sought + ", which is on no attached disk (" + there_is + "), unless inside one that is ";
    if (IsLockedAway(subject, name)) {
        findings.WillNotBoot(hidden + "encrypted by LUKS, for which the initrd has no cryptsetup: add " +
                             std::string(kHowToUnlock));
        return;
    }
    if (std::ranges::any_of(subject.volumes, HidesOthers)) {
        findings.MaySurprise(hidden + "encrypted or a part of a volume group");
        return;
    }
    findings.WillNotBoot(sought + ", which no attached disk has (" + there_is +
                         "): attach that disk (--disk), or name the file system as it is");
}

// Disks of other machines: "/dev/sda1", "/dev/nvme0n1p2".
bool IsForeignDisk(std::string_view device) {
    return device.starts_with("/dev/sd") || device.starts_with("/dev/nvme") || device.starts_with("/dev/hd") ||
           device.starts_with("/dev/xvd") || device.starts_with("/dev/mmcblk");
}

void CheckDevice(const Subject& subject, std::string_view device, FindingList& findings) {
    if (const auto name = ParseDeviceName(device)) {
        CheckNamed(subject, *name, findings);
        return;
    }
    if (!IsForeignDisk(device)) return;
    findings.WillNotBoot("stage 1 waits for " + Printable(device, 64) +
                         ", but the disks here are /dev/vda, /dev/vdb and so on: name the file system by its label or "
                         "UUID (fileSystems.\"/\".device = \"/dev/disk/by-label/...\";)");
}

// systemd's way to find the root by itself; what an fstab of the initrd names it mounts all the same.
void CheckGptAuto(const Subject& subject, FindingList& findings) {
    const auto is_root = [](const InitrdMount& mount) {
        return mount.point == "/" || mount.point == "/sysroot" || mount.point == "/sysroot/";
    };
    const bool other_root = !subject.InitrdKnown() || std::ranges::any_of(subject.initrd.mounts, is_root);
    findings.Add(other_root ? Severity::kMaySurprise : Severity::kWillNotBoot,
                 "root=gpt-auto finds the root file system by what UEFI firmware tells, which this machine does not "
                 "have: boot.initrd.systemd.root = \"fstab\"; finds it by its label or UUID");
}

}  // namespace

void CheckRoot(const Subject& subject, FindingList& findings) {
    std::set<std::string_view> devices;
    const auto roots = CommandLineValues(subject.entry.command_line, "root");
    if (!roots.empty()) devices.insert(roots.back());
    for (const InitrdMount& mount : subject.initrd.mounts) devices.insert(mount.device);
    for (const std::string_view device : devices) CheckDevice(subject, device, findings);
    const auto is_locked_away = [&](std::string_view device) {
        const auto name = ParseDeviceName(device);
        return name && IsLockedAway(subject, *name);
    };
    if (IsLocked(subject) && std::ranges::none_of(devices, is_locked_away)) {
        findings.MaySurprise(
            "a disk is encrypted by LUKS, and the initrd has no cryptsetup: if the system is on it, add " +
            std::string(kHowToUnlock));
    }
    if (!roots.empty() && roots.back() == "gpt-auto") CheckGptAuto(subject, findings);
}

}  // namespace husk
