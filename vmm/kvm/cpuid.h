// CPUID: what the guest is told about its processors.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "vmm/base/result.h"
#include "vmm/kvm/kvm.h"

struct kvm_cpuid_entry2;

namespace husk {

// What KVM can offer on this host, as KVM_GET_SUPPORTED_CPUID gives it.
[[nodiscard]] Result<std::vector<kvm_cpuid_entry2>> SupportedCpuid(const Kvm& kvm);

struct CpuPlace {
    std::uint32_t id;     // APIC id: 0 .. count - 1
    std::uint32_t count;  // vCPUs of the VM: one socket, one thread a core
};

// Makes `entries` the CPUID of one vCPU: its APIC id and topology; the TSC-deadline timer when `tsc_deadline` (KVM
// never reports it by itself); nested virtualisation and performance counters hidden.
void AdjustCpuid(std::vector<kvm_cpuid_entry2>& entries, CpuPlace place, bool tsc_deadline);

}  // namespace husk
