// The state a vCPU has before its first instruction: CPUID, MSRs, registers. Start-up only.
#include <algorithm>
#include <array>
#include <iterator>
#include <memory>

#include "vmm/kvm/kvm_api.h"
#include "vmm/kvm/vcpu.h"

namespace husk {
namespace {

// Intel SDM vol. 3, 2.5 and 2.2.1.
constexpr std::uint64_t kCr0ProtectionEnable = 1U << 0;
constexpr std::uint64_t kCr0ExtensionType = 1U << 4;
constexpr std::uint64_t kCr0Paging = 1U << 31;
constexpr std::uint64_t kCr4PhysicalAddressExtension = 1U << 5;
constexpr std::uint64_t kEferLongMode = (1U << 8) | (1U << 10);
constexpr std::uint64_t kFlagsReservedOne = 1U << 1;

constexpr std::uint16_t kCodeSelector = 0x10;
constexpr std::uint16_t kDataSelector = 0x18;
constexpr std::uint16_t kTaskSelector = 0x20;

constexpr std::uint32_t kMsrMiscEnable = 0x1a0;
constexpr std::uint64_t kMiscEnableFastStrings = 1;
constexpr std::uint32_t kMsrMtrrDefaultType = 0x2ff;
constexpr std::uint64_t kMtrrEnabledWriteBack = (1U << 11) | 6;

kvm_segment FlatSegment(std::uint16_t selector, std::uint8_t type, bool long_mode) {
    kvm_segment segment{};
    segment.selector = selector;
    segment.limit = 0xffff'ffff;
    segment.type = type;
    segment.present = 1;
    segment.s = 1;
    segment.g = 1;
    segment.l = long_mode ? 1 : 0;
    segment.db = long_mode ? 0 : 1;
    return segment;
}

}  // namespace

Result<> Vcpu::SetCpuid(std::span<const CpuidEntry> entries) {
    auto list = std::make_unique<kvm_api::CpuidList>();
    if (entries.size() > list->entries.size()) return Fail("KVM reports more CPUID leaves than husk can hold");
    list->head.count = static_cast<std::uint32_t>(entries.size());
    std::ranges::copy(entries, list->entries.begin());
    if (::ioctl(Fd(), kvm_api::kSetCpuid2, list.get()) != 0) return FailOs("cannot set a vCPU's CPUID");
    return {};
}

Result<> Vcpu::SetBootMsrs() {
    kvm_api::MsrList list;
    list.entries[0] = {.index = kMsrMiscEnable, .reserved = 0, .data = kMiscEnableFastStrings};
    list.entries[1] = {.index = kMsrMtrrDefaultType, .reserved = 0, .data = kMtrrEnabledWriteBack};
    list.head.count = 2;
    // KVM stops at the first register it does not know; none of these is worth failing for.
    if (::ioctl(Fd(), kvm_api::kSetMsrs, &list) < 0) return FailOs("cannot set a vCPU's model-specific registers");
    return {};
}

Result<> Vcpu::SetEntry(const VcpuEntry& entry) {
    const bool long_mode = entry.mode == VcpuEntry::Mode::kLong64;
    kvm_sregs sregs{};
    if (::ioctl(Fd(), KVM_GET_SREGS, &sregs) != 0) return FailOs("cannot read a vCPU's registers");
    constexpr std::uint8_t kCodeType = 0xb;  // execute, read, accessed
    constexpr std::uint8_t kDataType = 0x3;  // read, write, accessed
    sregs.cs = FlatSegment(kCodeSelector, kCodeType, long_mode);
    sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = FlatSegment(kDataSelector, kDataType, false);
    sregs.tr = FlatSegment(kTaskSelector, 0xb, false);
    sregs.tr.s = 0;
    sregs.tr.g = 0;
    sregs.tr.db = 0;
    sregs.tr.limit = 0x67;
    sregs.gdt.base = entry.gdt.Value();
    sregs.gdt.limit = entry.gdt_limit;
    sregs.idt.base = 0;
    sregs.idt.limit = 0;
    sregs.cr0 = kCr0ProtectionEnable | kCr0ExtensionType | (long_mode ? kCr0Paging : 0);
    sregs.cr3 = long_mode ? entry.page_table.Value() : 0;
    sregs.cr4 = long_mode ? kCr4PhysicalAddressExtension : 0;
    sregs.efer = long_mode ? kEferLongMode : 0;
    if (::ioctl(Fd(), KVM_SET_SREGS, &sregs) != 0) return FailOs("cannot set a vCPU's system registers");

    kvm_regs regs{};
    regs.rip = entry.instruction.Value();
    regs.rflags = kFlagsReservedOne;
    (long_mode ? regs.rsi : regs.rbx) = entry.argument.Value();
    if (::ioctl(Fd(), KVM_SET_REGS, &regs) != 0) return FailOs("cannot set a vCPU's registers");
    return {};
}

}  // namespace husk
