// What an initrd holds, as far as it decides whether a guest boots: drivers, the kind of its first stage, what it waits
// for, and whether anything was appended to it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "boot/nixos/byte_source.h"
#include "boot/nixos/initrd/compression.h"
#include "boot/nixos/initrd/decompression_libraries.h"
#include "boot/nixos/initrd/mounts.h"

namespace husk {

struct InitrdArchive {
    Compression compression = Compression::kNone;
    std::uint64_t offset = 0;  // bytes, in its file
    std::uint64_t entries = 0;
    bool early = false;  // microcode or ACPI tables, which Linux takes before it unpacks anything
    friend bool operator==(const InitrdArchive&, const InitrdArchive&) = default;
};

// What Linux will start first.
enum class Stage1 {
    kNone,     // there is no /init
    kScript,   // a shell script, or a link to one
    kSystemd,  // systemd, or a link to it
    kOther,
};

// The modules that are looked for among those built into the kernel.
inline constexpr std::array<std::string_view, 19> kModulesOfInterest = {
    "virtio", "virtio_ring", "virtio_mmio", "virtio_blk", "virtio_net", "virtio_console", "virtio_pci", "ext4",
    "erofs",  "squashfs",    "overlay",     "btrfs",      "xfs",        "f2fs",           "vfat",       "isofs",
    "dm_mod", "dm_crypt",    "loop",
};

struct InitrdFacts {
    std::vector<InitrdArchive> archives;  // the first 16
    std::uint64_t entries = 0;            // of all archives

    Stage1 stage1 = Stage1::kNone;
    // By name, with "_" for "-" and no ".ko"; at most 16,384.
    std::set<std::string, std::less<>> modules;
    // Those of kModulesOfInterest that modules.builtin or modules.builtin.bin names; nothing when neither is there.
    std::optional<std::set<std::string, std::less<>>> built_in;
    std::set<std::string, std::less<>> kernel_versions;  // the folders of lib/modules; at most 16
    std::vector<InitrdMount> mounts;                     // what stage 1 mounts; at most 2 * kMaxMounts

    bool nixos = false;         // there is a /nix/store
    bool unlocks_luks = false;  // cryptsetup, systemd-cryptsetup or a crypttab
    bool holds_store = false;   // /nix-store.squashfs: a netboot image, which needs no disk
    // NixOS's folder for them (.initrd-secrets), or any archive after the first that is taken early.
    bool secrets_appended = false;

    // Where reading stopped early, if it did: what else it holds is unknown then.
    std::string damage;                  // a clause about "it"
    std::optional<Compression> unknown;  // a part that husk cannot unpack

    [[nodiscard]] bool Whole() const { return damage.empty() && !unknown; }
    [[nodiscard]] bool HasModule(std::string_view name) const { return modules.contains(name); }
    [[nodiscard]] bool BuiltIn(std::string_view name) const { return built_in && built_in->contains(name); }
};

// The facts of an initrd that a loader puts together of `sources`, in order. An error (kHost) says why this host cannot
// look: a library is missing, or the source cannot be read; damage is a fact. Bounded in time and memory whatever the
// bytes are: see DecompressionBudget, kXzMemoryLimit, cpio_limits.
[[nodiscard]] Result<InitrdFacts> ReadInitrd(std::span<const ByteSource* const> sources,
                                             const DecompressionLibraries& libraries);
[[nodiscard]] Result<InitrdFacts> ReadInitrd(const ByteSource& source, const DecompressionLibraries& libraries);

}  // namespace husk
