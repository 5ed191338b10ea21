// An initrd, or a kernel, from a stranger: unpacked, walked, and judged. Time and memory stay bounded, and every
// sentence that a person would read is one printable line.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "boot/nixos/initrd/findings.h"
#include "boot/nixos/initrd/initramfs.h"
#include "boot/nixos/initrd/module_index.h"

namespace {

using namespace husk;

void Require(bool holds) {
    if (!holds) std::abort();
}

void CheckSentences(const std::vector<Finding>& findings) {
    for (const Finding& finding : findings) {
        Require(!finding.sentence.empty() && finding.sentence.size() < 2000);
        Require(std::ranges::all_of(finding.sentence, [](char c) { return c >= ' ' && c <= '~'; }));
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const DecompressionLibraries libraries = DecompressionLibraries::Load();
    const auto bytes = std::as_bytes(std::span(data, size));
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const SpanSource source(bytes);

    const auto initrd = ReadInitrd(source, libraries);
    const auto kernel = ReadKernel(source, libraries);
    Require(initrd || initrd.error().Kind() == ErrorKind::kHost);
    Require(kernel || kernel.error().Kind() == ErrorKind::kHost);
    static_cast<void>(ModuleIndexHas(bytes, "virtio_blk"));
    Require(ParseFstab(text).size() <= kMaxMounts && ParseFsInfo(text).size() <= kMaxMounts);
    if (!initrd || !kernel) return 0;

    Require(initrd->archives.size() <= 16 && initrd->mounts.size() <= 2 * kMaxMounts);
    Require(initrd->entries > 0 || !initrd->Whole());
    BootEntry entry;
    entry.initrds = {"/initrd"};
    entry.command_line = text.substr(0, boot_limits::kCommandLine);
    entry.initrd_secrets = text.substr(0, 100);
    const std::vector<VolumeIdentity> volumes = {{"ext4", std::string(text.substr(0, 16)), ""},
                                                 {"crypto_LUKS", "", ""}};
    CheckSentences(Check(entry, *initrd, *kernel, volumes));
    CheckSentences(Check(entry, *initrd, *kernel, {}));
    return 0;
}
