#include "vmm/kvm/cpuid.h"

#include <algorithm>
#include <bit>
#include <memory>

#include "vmm/kvm/kvm.h"
#include "vmm/kvm/kvm_api.h"

namespace husk {
namespace {

constexpr std::uint32_t Bit(unsigned n) { return std::uint32_t{1} << n; }

// Bits of an APIC id below the package: what a topology leaf calls the shift to the next level.
unsigned CoreBits(std::uint32_t count) { return static_cast<unsigned>(std::bit_width(count - 1)); }

// Leaf 0xB (Intel SDM vol. 2, CPUID): level 0 is the thread, level 1 the core, level 2 ends the list. KVM reports the
// leaf without levels, so they are written anew; 0x1F says the same in more words and is left out.
void AppendTopology(std::vector<CpuidEntry>& entries, CpuPlace place) {
    constexpr std::uint32_t kThreadLevel = 1U << 8, kCoreLevel = 2U << 8;
    CpuidEntry level{};
    level.function = 0xb;
    level.flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX;
    level.edx = place.id;
    level.index = 0;
    level.ebx = 1;
    level.ecx = level.index | kThreadLevel;
    entries.push_back(level);
    level.index = 1;
    level.eax = CoreBits(place.count);
    level.ebx = place.count;
    level.ecx = level.index | kCoreLevel;
    entries.push_back(level);
    level.index = 2;
    level.eax = level.ebx = 0;
    level.ecx = level.index;
    entries.push_back(level);
}

void SetLeaf1(CpuidEntry& entry, CpuPlace place, bool tsc_deadline) {
    constexpr std::uint32_t kVmx = Bit(5), kPerfCapabilities = Bit(15), kTscDeadline = Bit(24), kHypervisor = Bit(31);
    constexpr std::uint32_t kHyperThreading = Bit(28);
    const std::uint32_t logical = std::uint32_t{1} << CoreBits(place.count);
    entry.ebx = (entry.ebx & 0x0000'ffff) | (place.id << 24) | ((logical & 0xff) << 16);
    entry.ecx &= ~(kVmx | kPerfCapabilities | kTscDeadline);
    entry.ecx |= kHypervisor | (tsc_deadline ? kTscDeadline : 0);
    entry.edx = place.count > 1 ? entry.edx | kHyperThreading : entry.edx & ~kHyperThreading;
}

// Deterministic cache parameters: every cache belongs to one core, except that the last level is shared by all.
void SetCacheSharing(CpuidEntry& entry, CpuPlace place, bool with_core_count) {
    const std::uint32_t level = (entry.eax >> 5) & 7;
    if ((entry.eax & 0x1f) == 0) return;  // no more caches
    const std::uint32_t sharing = level >= 3 ? (std::uint32_t{1} << CoreBits(place.count)) - 1 : 0;
    const std::uint32_t cores = with_core_count ? (std::uint32_t{1} << CoreBits(place.count)) - 1 : 0;
    entry.eax = (entry.eax & 0x3fff) | ((sharing & 0xfff) << 14) | ((cores & 0x3f) << 26);
}

}  // namespace

Result<std::vector<CpuidEntry>> SupportedCpuid(const Kvm& kvm) {
    const auto list = std::make_unique<kvm_api::CpuidList>();
    list->head.count = static_cast<std::uint32_t>(list->entries.size());
    if (::ioctl(kvm.Fd(), kvm_api::kGetSupportedCpuid, list.get()) != 0) return FailOs("cannot ask KVM for its CPUID");
    return std::vector(list->entries.begin(), list->entries.begin() + list->head.count);
}

void AdjustCpuid(std::vector<CpuidEntry>& entries, CpuPlace place, bool tsc_deadline) {
    const bool has_topology_leaf =
        std::ranges::any_of(entries, [](const auto& entry) { return entry.function == 0xb; });
    std::erase_if(entries, [](const auto& entry) { return entry.function == 0xb || entry.function == 0x1f; });
    if (has_topology_leaf) AppendTopology(entries, place);
    for (CpuidEntry& entry : entries) {
        switch (entry.function) {
            case 0x1:
                SetLeaf1(entry, place, tsc_deadline);
                break;
            case 0x4:
                SetCacheSharing(entry, place, true);
                break;
            case 0xa:  // architectural performance monitoring
                entry.eax = entry.ebx = entry.ecx = entry.edx = 0;
                break;
            case 0x8000'0001: {
                constexpr std::uint32_t kSvm = Bit(2), kTopologyExtensions = Bit(22), kPerfCore = Bit(23),
                                        kPerfNorthbridge = Bit(24);
                constexpr std::uint32_t kPerfLastLevel = Bit(28);
                entry.ecx &= ~(kSvm | kTopologyExtensions | kPerfCore | kPerfNorthbridge | kPerfLastLevel);
                break;
            }
            case 0x8000'0008:  // AMD: threads in the package less one, and the width of their ids
                entry.ecx = (place.count - 1) & 0xff;
                if (place.count > 1) entry.ecx |= CoreBits(place.count) << 12;
                break;
            case 0x8000'000a:  // SVM
            case 0x8000'0022:  // AMD performance monitoring, version 2
                entry.eax = entry.ebx = entry.ecx = entry.edx = 0;
                break;
            default:
                break;
        }
    }
}

}  // namespace husk
