#include "vmm/kvm/capabilities.h"

#include <array>
#include <string>

#include "vmm/kvm/kvm_api.h"

namespace husk {
namespace {

constexpr std::array kCapabilities = {
    KvmCapability{KVM_CAP_USER_MEMORY, "KVM_CAP_USER_MEMORY", "guest memory", true},
    KvmCapability{KVM_CAP_SPLIT_IRQCHIP, "KVM_CAP_SPLIT_IRQCHIP", "local APICs in the kernel, the IOAPIC in husk",
                  true},
    KvmCapability{KVM_CAP_IRQ_ROUTING, "KVM_CAP_IRQ_ROUTING", "interrupt routes", true},
    KvmCapability{KVM_CAP_IRQFD, "KVM_CAP_IRQFD", "interrupts without a system call into KVM", true},
    KvmCapability{KVM_CAP_IOEVENTFD, "KVM_CAP_IOEVENTFD", "doorbells that end in the worker", true},
    KvmCapability{KVM_CAP_IMMEDIATE_EXIT, "KVM_CAP_IMMEDIATE_EXIT", "stopping a vCPU without a race", true},
    KvmCapability{KVM_CAP_EXT_CPUID, "KVM_CAP_EXT_CPUID", "the CPU the guest sees", true},
    KvmCapability{KVM_CAP_SET_TSS_ADDR, "KVM_CAP_SET_TSS_ADDR", "guests that start in real mode on Intel hosts", true},
    KvmCapability{KVM_CAP_READONLY_MEM, "KVM_CAP_READONLY_MEM", "register reads without an exit", false},
    KvmCapability{KVM_CAP_TSC_DEADLINE_TIMER, "KVM_CAP_TSC_DEADLINE_TIMER", "the guest's fast timer", false},
    KvmCapability{KVM_CAP_X86_USER_SPACE_MSR, "KVM_CAP_X86_USER_SPACE_MSR", "filtering model-specific registers",
                  false},
    KvmCapability{KVM_CAP_IOEVENTFD_ANY_LENGTH, "KVM_CAP_IOEVENTFD_ANY_LENGTH", "doorbells of any width", false},
    KvmCapability{KVM_CAP_X86_BUS_LOCK_EXIT, "KVM_CAP_X86_BUS_LOCK_EXIT", "noticing bus locks", false},
    KvmCapability{KVM_CAP_X86_NOTIFY_VMEXIT, "KVM_CAP_X86_NOTIFY_VMEXIT", "noticing a CPU stuck in microcode", false},
};

}  // namespace

std::span<const KvmCapability> KvmCapabilities() { return kCapabilities; }

Result<> CheckRequiredCapabilities(const CapabilityQuery& query) {
    std::string missing;
    for (const KvmCapability& capability : kCapabilities) {
        if (!capability.required || query(capability.number) > 0) continue;
        missing += (missing.empty() ? "" : ", ") + std::string(capability.name);
    }
    if (!missing.empty()) return Fail("this host's KVM lacks " + missing + ", which husk needs");
    return {};
}

}  // namespace husk
