// A NixOS system for tests of findings, and how they say what was found.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "boot/nixos/initrd/findings.h"

namespace husk::testing {

// A NixOS system that boots here without a word; each test breaks one thing.
struct System {
    BootEntry entry;
    InitrdFacts initrd;
    KernelFacts kernel;
    std::vector<VolumeIdentity> volumes = {{"vfat", "ESP", "1234-ABCD"}, {"ext4", "nixos", "0f-0f"}};

    System() {
        entry.kernel = "/kernel";
        entry.initrds = {"/initrd"};
        entry.command_line = "init=/nix/store/x-nixos-system-y/init loglevel=4 console=ttyS0";
        initrd.archives = {{Compression::kZstd, 0, 100, false}};
        initrd.entries = 100;
        initrd.stage1 = Stage1::kScript;
        initrd.modules = {"virtio_mmio", "virtio_blk", "ext4", "dm_crypt"};
        initrd.kernel_versions = {"6.6.32"};
        initrd.mounts = {{"/dev/disk/by-label/nixos", "/", "ext4"}};
        initrd.nixos = true;
        kernel.format = KernelFacts::Format::kBzImage;
        kernel.version = "6.6.32";
    }
    // The kernel carries NixOS's configuration, with these lines as well.
    void Configure(const std::string& more = "") {
        kernel.config = KernelConfig::Parse(
            "CONFIG_ACPI=y\nCONFIG_KVM_GUEST=y\nCONFIG_PVH=y\nCONFIG_BLK_DEV_INITRD=y\nCONFIG_RD_ZSTD=y\n"
            "CONFIG_SERIAL_8250_CONSOLE=y\nCONFIG_VIRTIO_CONSOLE=m\nCONFIG_EXT4_FS=m\nCONFIG_DM_CRYPT=m\n" +
            more);
    }
    void ConfigureStock() { Configure("CONFIG_VIRTIO_MMIO=m\nCONFIG_VIRTIO_BLK=m\n"); }
    [[nodiscard]] std::vector<Finding> Check() const { return husk::Check(entry, initrd, kernel, volumes); }
};

struct Expected {
    Severity severity;
    std::string part;
};
inline Expected WillNotBoot(std::string part) { return {Severity::kWillNotBoot, std::move(part)}; }
inline Expected MaySurprise(std::string part) { return {Severity::kMaySurprise, std::move(part)}; }

inline bool Fits(const Finding& finding, const Expected& expected) {
    return finding.severity == expected.severity && finding.sentence.find(expected.part) != std::string::npos;
}

// The findings are as expected, one by one, each with its part of a sentence.
inline ::testing::AssertionResult Are(const std::vector<Finding>& findings, std::initializer_list<Expected> expected) {
    if (std::ranges::equal(findings, expected, Fits)) return ::testing::AssertionSuccess();
    ::testing::AssertionResult result = ::testing::AssertionFailure() << "found:";
    for (const Finding& finding : findings)
        result << "\n" << SeverityText(finding.severity) << ": " << finding.sentence;
    return result;
}

}  // namespace husk::testing
