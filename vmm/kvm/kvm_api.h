// The part of <linux/kvm.h> that C++ cannot take as it is. Only vmm/kvm includes this file and <linux/kvm.h>.
//
// Structs that end in a flexible array have another size in C++ than in C with some versions of the header, which
// changes the request numbers made from them (EINVAL from the kernel). Here are those structs with a fixed number of
// entries, and the request numbers as C computes them.
#pragma once

#include <linux/kvm.h>
#include <sys/ioctl.h>

#include <array>
#include <cstddef>
#include <cstdint>

#include "vmm/kvm/cpuid.h"

namespace husk::kvm_api {

// The head of every such struct: a count and four more bytes.
struct ListHead {
    std::uint32_t count = 0;
    std::uint32_t reserved = 0;
};
static_assert(sizeof(ListHead) == 8);

template <typename Entry, std::size_t kMax>
struct List {
    ListHead head;
    std::array<Entry, kMax> entries{};
};

static_assert(sizeof(kvm_cpuid_entry2) == sizeof(CpuidEntry));
static_assert(offsetof(kvm_cpuid_entry2, flags) == offsetof(CpuidEntry, flags));
static_assert(offsetof(kvm_cpuid_entry2, edx) == offsetof(CpuidEntry, edx));
static_assert(sizeof(kvm_msr_entry) == 16);
static_assert(sizeof(kvm_irq_routing_entry) == 48);
using CpuidList = List<CpuidEntry, 256>;
using MsrList = List<kvm_msr_entry, 16>;
template <std::size_t kMax>
using RoutingList = List<kvm_irq_routing_entry, kMax>;
static_assert(offsetof(CpuidList, entries) == 8 && offsetof(MsrList, entries) == 8);

inline constexpr unsigned long kGetSupportedCpuid = _IOWR(KVMIO, 0x05, ListHead);
inline constexpr unsigned long kSetMsrs = _IOW(KVMIO, 0x89, ListHead);
inline constexpr unsigned long kSetCpuid2 = _IOW(KVMIO, 0x90, ListHead);
inline constexpr unsigned long kSetGsiRouting = _IOW(KVMIO, 0x6a, ListHead);
static_assert(kGetSupportedCpuid == 0xc008ae05 && kSetMsrs == 0x4008ae89 && kSetCpuid2 == 0x4008ae90 &&
              kSetGsiRouting == 0x4008ae6a);

// Sizes that request numbers are made from.
static_assert(sizeof(kvm_userspace_memory_region) == 32);
static_assert(sizeof(kvm_regs) == 144 && sizeof(kvm_sregs) == 312);
static_assert(sizeof(kvm_irqfd) == 32 && sizeof(kvm_ioeventfd) == 64);
static_assert(sizeof(kvm_enable_cap) == 104);
static_assert(sizeof(kvm_mp_state) == 4);

}  // namespace husk::kvm_api
