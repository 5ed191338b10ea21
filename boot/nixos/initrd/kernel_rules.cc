// Rules about the kernel that no initrd can make up for. Those about options only speak when the kernel carries its
// configuration.
#include <string>

#include "boot/nixos/initrd/finding_rules.h"

namespace husk {
namespace {

bool Lacks(const KernelFacts& kernel, std::string_view option) {
    return kernel.config && kernel.config->Get(option) == KernelOption::kAbsent;
}

}  // namespace

void CheckKernel(const Subject& subject, FindingList& findings) {
    const KernelFacts& kernel = subject.kernel;
    if (kernel.format == KernelFacts::Format::kOther) {
        findings.WillNotBoot(
            "the kernel is neither a bzImage nor an ELF file: it is damaged, or for another architecture");
    }
    if (Lacks(kernel, "ACPI")) {
        findings.WillNotBoot(
            "the kernel was built without CONFIG_ACPI, by which alone this machine shows its devices: NixOS's and "
            "Debian's kernels have it");
    }
    if (kernel.format == KernelFacts::Format::kElf && Lacks(kernel, "PVH")) {
        findings.WillNotBoot(
            "the kernel is an ELF file without CONFIG_PVH, so there is no way to start it: take the bzImage, or build "
            "it with CONFIG_PVH=y");
    }
    if (!subject.entry.initrds.empty() && Lacks(kernel, "BLK_DEV_INITRD")) {
        findings.WillNotBoot("the kernel was built without CONFIG_BLK_DEV_INITRD, so it takes no initrd");
    }
    if (Lacks(kernel, "KVM_GUEST")) {
        findings.MaySurprise(
            "the kernel was built without CONFIG_KVM_GUEST, so it has no kvmclock: its time may run wrong, and idle "
            "vCPUs cost more");
    }
}

}  // namespace husk
