#include "vmm/kvm/msr_filter.h"

#include <array>
#include <memory>

#include "vmm/kvm/kvm.h"
#include "vmm/kvm/kvm_api.h"
#include "vmm/kvm/vm.h"

namespace husk {
namespace {

constexpr std::array kAllowed = {
    MsrRange{0x10, 0x10, "time stamp counter"},
    MsrRange{0x17, 0x17, "platform id, read by Intel's microcode loader"},
    MsrRange{0x1b, 0x1b, "local APIC base"},
    MsrRange{0x2a, 0x2a, "power-on configuration"},
    MsrRange{0x3a, 0x3b, "feature control, TSC adjustment"},
    MsrRange{0x48, 0x49, "speculation control, prediction barrier"},
    MsrRange{0x79, 0x79, "microcode update, ignored by KVM"},
    MsrRange{0x8b, 0x8b, "microcode revision"},
    MsrRange{0xcd, 0xcf, "bus frequency, platform information, core capabilities"},
    MsrRange{0xe1, 0xe1, "user wait"},
    MsrRange{0xfe, 0xfe, "MTRR capability"},
    MsrRange{0x10a, 0x10b, "architectural capabilities, L1D flush"},
    MsrRange{0x11e, 0x11e, "cache control"},
    MsrRange{0x122, 0x122, "TSX control"},
    MsrRange{0x140, 0x140, "CPUID faulting"},
    MsrRange{0x174, 0x176, "SYSENTER"},
    MsrRange{0x179, 0x17b, "machine check"},
    MsrRange{0x198, 0x199, "performance status and control, constants in KVM"},
    MsrRange{0x1a0, 0x1a0, "miscellaneous enables"},
    MsrRange{0x1c4, 0x1c5, "extended feature disable"},
    MsrRange{0x1d9, 0x1d9, "debug control: single-stepping branches, bus lock detection"},
    MsrRange{0x200, 0x20f, "MTRR"},
    MsrRange{0x250, 0x250, "MTRR"},
    MsrRange{0x258, 0x259, "MTRR"},
    MsrRange{0x268, 0x26f, "MTRR"},
    MsrRange{0x277, 0x277, "page attribute table"},
    MsrRange{0x280, 0x29f, "machine check"},
    MsrRange{0x2ff, 0x2ff, "MTRR"},
    MsrRange{0x400, 0x47f, "machine check"},
    MsrRange{0x6a0, 0x6a8, "control-flow enforcement"},
    MsrRange{0x6e0, 0x6e0, "TSC deadline"},
    MsrRange{0xd90, 0xd90, "bound directory"},
    MsrRange{0xda0, 0xda0, "extended supervisor state"},
    MsrRange{0x4b56'4d00, 0x4b56'4d08, "KVM's clock, steal time, asynchronous page faults, idle polling"},
    MsrRange{0xc000'0080, 0xc000'0084, "EFER, SYSCALL"},
    MsrRange{0xc000'0100, 0xc000'0103, "FS and GS bases, TSC_AUX"},
    MsrRange{0xc001'0000, 0xc001'0007, "AMD's first counters, which Linux probes; KVM gives zeros without its PMU"},
    MsrRange{0xc001'0010, 0xc001'0010, "AMD system configuration"},
    MsrRange{0xc001'0015, 0xc001'0015, "AMD hardware configuration"},
    MsrRange{0xc001'001a, 0xc001'001f, "AMD top of memory, northbridge configuration"},
    MsrRange{0xc001'0055, 0xc001'0055, "AMD interrupt pending"},
    MsrRange{0xc001'0058, 0xc001'0058, "AMD MMIO configuration base"},
    MsrRange{0xc001'011f, 0xc001'011f, "AMD virtualised speculation control"},
    MsrRange{0xc001'0140, 0xc001'0141, "AMD OS-visible workarounds"},
    MsrRange{0xc001'1020, 0xc001'1023, "AMD load/store and cache configuration"},
    MsrRange{0xc001'1029, 0xc001'102a, "AMD decode and bus unit configuration"},
};

// The windows that the list falls into: one bitmap each.
struct Window {
    std::uint32_t base;
    std::uint32_t count;
};
constexpr std::array kWindows = {Window{0, 0x2000}, Window{0x4b56'4d00, 0x100}, Window{0xc000'0000, 0x2000},
                                 Window{0xc001'0000, 0x2000}};
using Bitmap = std::array<std::uint8_t, 0x2000 / 8>;

static_assert(sizeof(kvm_msr_filter_range) == 24 && sizeof(kvm_msr_filter) == 392);

}  // namespace

std::span<const MsrRange> AllowedMsrs() { return kAllowed; }

bool CanFilterMsrs(const Kvm& kvm) { return kvm.CheckExtension(KVM_CAP_X86_MSR_FILTER) > 0; }

Result<> InstallMsrFilter(const Vm& vm) {
    const auto bitmaps = std::make_unique<std::array<Bitmap, kWindows.size()>>();
    kvm_msr_filter filter{};
    filter.flags = KVM_MSR_FILTER_DEFAULT_DENY;
    for (std::size_t index = 0; index < kWindows.size(); ++index) {
        const Window& window = kWindows[index];
        Bitmap& bitmap = (*bitmaps)[index];
        for (const MsrRange& range : kAllowed) {
            if (range.first - window.base >= window.count) continue;
            for (std::uint32_t msr = range.first - window.base; msr <= range.last - window.base; ++msr) {
                bitmap[msr / 8] = static_cast<std::uint8_t>(bitmap[msr / 8] | 1U << msr % 8);
            }
        }
        kvm_msr_filter_range& part = filter.ranges[index];
        part.flags = KVM_MSR_FILTER_READ | KVM_MSR_FILTER_WRITE;
        part.nmsrs = window.count;
        part.base = window.base;
        part.bitmap = bitmap.data();
    }
    if (::ioctl(vm.Fd(), KVM_X86_SET_MSR_FILTER, &filter) != 0) {
        return std::unexpected(
            Error::Os("cannot install the filter of model-specific registers (--without msr-filter does without)")
                .As(ErrorKind::kConfinement));
    }
    return {};
}

}  // namespace husk
