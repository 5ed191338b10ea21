// CPUID: what the guest is told about its processors.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "vmm/base/result.h"

namespace husk {

class Kvm;

// One leaf, laid out as KVM wants it (struct kvm_cpuid_entry2).
struct CpuidEntry {
    std::uint32_t function = 0;
    std::uint32_t index = 0;
    std::uint32_t flags = 0;
    std::uint32_t eax = 0;
    std::uint32_t ebx = 0;
    std::uint32_t ecx = 0;
    std::uint32_t edx = 0;
    std::uint32_t padding[3] = {};
};
static_assert(sizeof(CpuidEntry) == 40);

// What KVM can offer on this host, as KVM_GET_SUPPORTED_CPUID gives it.
[[nodiscard]] Result<std::vector<CpuidEntry>> SupportedCpuid(const Kvm& kvm);

struct CpuPlace {
    std::uint32_t id;     // APIC id: 0 .. count - 1
    std::uint32_t count;  // vCPUs of the VM: one socket, one thread a core
};

// Makes `entries` the CPUID of one vCPU: its APIC id and topology; the TSC-deadline timer when `tsc_deadline` (KVM
// never reports it by itself); nested virtualisation and performance counters hidden.
void AdjustCpuid(std::vector<CpuidEntry>& entries, CpuPlace place, bool tsc_deadline);

}  // namespace husk
