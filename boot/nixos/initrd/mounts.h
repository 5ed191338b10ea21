// Which file systems stage 1 waits for, as a NixOS initrd writes them down: initrd-fsinfo for the shell script, an
// fstab for systemd.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace husk {

struct InitrdMount {
    std::string device;  // "/dev/disk/by-label/nixos", "LABEL=nixos", "tmpfs"; what was escaped is as it was meant
    std::string point;   // "/"
    std::string type;    // "ext4"
    friend bool operator==(const InitrdMount&, const InitrdMount&) = default;
};

inline constexpr std::size_t kMaxMounts = 64;  // more are not listed

// Lines of fstab(5). What is not such a line is passed over, and so is what need not be there (nofail, noauto).
[[nodiscard]] std::vector<InitrdMount> ParseFstab(std::string_view text);
// Four lines for each: mount point, device, type, options (nixpkgs, nixos/modules/system/boot/stage-1.nix); likewise.
[[nodiscard]] std::vector<InitrdMount> ParseFsInfo(std::string_view text);

// How a device is named that only a look at the disks can find.
struct DeviceName {
    enum class By { kLabel, kUuid } by;
    std::string value;
};
// What "LABEL=x", "UUID=x", "/dev/disk/by-label/x" and "/dev/disk/by-uuid/x" ask for, udev's escapes undone; nothing
// for any other device.
[[nodiscard]] std::optional<DeviceName> ParseDeviceName(std::string_view device);

}  // namespace husk
