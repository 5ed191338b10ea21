// Rules about the initrd as a whole: undamaged, in a form that the kernel unpacks, with modules for this very kernel.
#include <algorithm>
#include <optional>
#include <string>

#include "boot/nixos/initrd/command_line.h"
#include "boot/nixos/initrd/finding_rules.h"
#include "boot/nixos/initrd/printable.h"

namespace husk {
namespace {

std::optional<std::string_view> OptionFor(Compression compression) {
    switch (compression) {
        case Compression::kNone:
            return std::nullopt;
        case Compression::kGzip:
            return "RD_GZIP";
        case Compression::kXz:
            return "RD_XZ";
        case Compression::kZstd:
            return "RD_ZSTD";
        case Compression::kBzip2:
            return "RD_BZIP2";
        case Compression::kLzma:
            return "RD_LZMA";
        case Compression::kLzo:
            return "RD_LZO";
        case Compression::kLz4:
            return "RD_LZ4";
    }
    return std::nullopt;
}

bool KernelLacks(const Subject& subject, Compression compression) {
    const auto option = OptionFor(compression);
    return option && subject.kernel.config && subject.kernel.config->Get(*option) == KernelOption::kAbsent;
}

void CheckCompression(const Subject& subject, FindingList& findings) {
    std::vector<Compression> used;
    for (const InitrdArchive& archive : subject.initrd.archives) used.push_back(archive.compression);
    if (subject.initrd.unknown) used.push_back(*subject.initrd.unknown);
    const auto lacking = std::ranges::find_if(used, [&](Compression c) { return KernelLacks(subject, c); });
    if (lacking != used.end()) {
        findings.WillNotBoot("the initrd is compressed by " + std::string(CompressionName(*lacking)) +
                             ", and the kernel was built without CONFIG_" + std::string(*OptionFor(*lacking)) +
                             ": compress it as the kernel can unpack it (boot.initrd.compressor)");
        return;
    }
    if (!subject.initrd.unknown) return;
    findings.MaySurprise("the initrd is compressed by " + std::string(CompressionName(*subject.initrd.unknown)) +
                         ", which husk does not unpack, so its drivers were not checked: with "
                         "boot.initrd.compressor = \"zstd\"; (or gzip, xz) they would be");
}

void CheckVersions(const Subject& subject, FindingList& findings) {
    const std::string& version = subject.kernel.version;
    const auto& folders = subject.initrd.kernel_versions;
    if (version.empty() || folders.empty() || folders.contains(version)) return;
    findings.WillNotBoot("the initrd has modules for Linux " + Printable(*folders.begin()) + ", but the kernel is " +
                         Printable(version) + ", which will load none of them: take kernel and initrd of one system");
}

bool OnlyEarly(const InitrdFacts& initrd) {
    return std::ranges::all_of(initrd.archives, [](const InitrdArchive& archive) { return archive.early; });
}

void ReportNoInit(const Subject& subject, FindingList& findings) {
    const auto is_module = [&](std::string_view module, std::string_view option) {
        return FindDriver(subject, module, option) == Driver::kInInitrd;
    };
    if (is_module("virtio_mmio", "VIRTIO_MMIO") || is_module("virtio_blk", "VIRTIO_BLK")) {
        findings.WillNotBoot(
            "the initrd has no /init, so Linux starts nothing of it, and the drivers of the disks stay unloaded: is it "
            "the right file, and packed from its own top folder?");
        return;
    }
    findings.MaySurprise(
        "the initrd has no /init, so Linux starts nothing of it and mounts root= itself: is it the right file?");
}

}  // namespace

void CheckInitrd(const Subject& subject, FindingList& findings) {
    if (subject.entry.initrds.empty()) return;
    const InitrdFacts& initrd = subject.initrd;
    if (!initrd.damage.empty()) {
        findings.WillNotBoot("the initrd is damaged: " + initrd.damage +
                             ". Build or copy it anew (on a disk: nixos-rebuild boot)");
        return;
    }
    CheckCompression(subject, findings);
    if (!subject.InitrdKnown()) return;
    CheckVersions(subject, findings);
    if (initrd.stage1 == Stage1::kNone && !OnlyEarly(initrd) &&
        CommandLineValues(subject.entry.command_line, "rdinit").empty()) {
        ReportNoInit(subject, findings);
    }
}

}  // namespace husk
