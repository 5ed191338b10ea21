// What the guest is told about its processors, and what husk needs of the host's KVM.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "vmm/kvm/capabilities.h"
#include "vmm/kvm/cpuid.h"

namespace husk {
namespace {

constexpr std::uint32_t kAllOnes = 0xffff'ffff;
constexpr std::uint32_t kVmx = 1U << 5, kPerfCapabilities = 1U << 15, kTscDeadline = 1U << 24, kHypervisor = 1U << 31;
constexpr std::uint32_t kHyperThreading = 1U << 28;

CpuidEntry Leaf(std::uint32_t function, std::uint32_t value = kAllOnes, std::uint32_t index = 0) {
    CpuidEntry entry;
    entry.function = function;
    entry.index = index;
    entry.eax = entry.ebx = entry.ecx = entry.edx = value;
    return entry;
}

// The CPUID of one vCPU, made from a host that can do everything.
class Cpuid {
 public:
    explicit Cpuid(CpuPlace place, bool tsc_deadline = true) { AdjustCpuid(entries_, place, tsc_deadline); }
    [[nodiscard]] std::vector<CpuidEntry> All(std::uint32_t function) const {
        std::vector<CpuidEntry> found;
        std::ranges::copy_if(entries_, std::back_inserter(found),
                             [function](const CpuidEntry& entry) { return entry.function == function; });
        return found;
    }
    [[nodiscard]] CpuidEntry Only(std::uint32_t function) const {
        const auto found = All(function);
        EXPECT_EQ(found.size(), 1u) << std::hex << function;
        return found.at(0);
    }

 private:
    std::vector<CpuidEntry> entries_{Leaf(0x0),         Leaf(0x1),         Leaf(0xa),         Leaf(0xb),
                                     Leaf(0xb, 0, 1),   Leaf(0x1f),        Leaf(0x8000'0001), Leaf(0x8000'0008),
                                     Leaf(0x8000'000a), Leaf(0x8000'0022), Leaf(0x7)};
};

TEST(Cpuid, EveryVcpuHasItsOwnApicId) {
    EXPECT_EQ(Cpuid({0, 4}).Only(0x1).ebx >> 24, 0u);
    EXPECT_EQ(Cpuid({3, 4}).Only(0x1).ebx >> 24, 3u);
    EXPECT_EQ(Cpuid({3, 4}).All(0xb).at(0).edx, 3u);
}

TEST(Cpuid, LogicalProcessorsAreCountedInPowersOfTwo) {
    EXPECT_EQ(Cpuid({0, 1}).Only(0x1).ebx >> 16 & 0xff, 1u);
    EXPECT_EQ(Cpuid({0, 3}).Only(0x1).ebx >> 16 & 0xff, 4u);
    EXPECT_EQ(Cpuid({0, 64}).Only(0x1).ebx >> 16 & 0xff, 64u);
}

TEST(Cpuid, HyperThreadingBitSaysWhetherThereIsMoreThanOne) {
    EXPECT_EQ(Cpuid({0, 1}).Only(0x1).edx & kHyperThreading, 0u);
    EXPECT_EQ(Cpuid({0, 2}).Only(0x1).edx & kHyperThreading, kHyperThreading);
}

TEST(Cpuid, TopologyLeafListsThreadCoreAndEnd) {
    const auto levels = Cpuid({5, 6}).All(0xb);
    ASSERT_EQ(levels.size(), 3u);
    EXPECT_EQ(levels[0].eax, 0u);  // one thread a core
    EXPECT_EQ(levels[0].ebx, 1u);
    EXPECT_EQ(levels[0].ecx, 0x100u);
    EXPECT_EQ(levels[1].eax, 3u);  // six cores: ids of three bits
    EXPECT_EQ(levels[1].ebx, 6u);
    EXPECT_EQ(levels[1].ecx, 0x201u);
    EXPECT_EQ(levels[2].ebx, 0u);
    EXPECT_EQ(levels[2].ecx, 0x002u);
    EXPECT_EQ(levels[2].edx, 5u);
}

TEST(Cpuid, HostWithoutTopologyLeafGivesNone) {
    std::vector<CpuidEntry> entries{Leaf(0x1)};
    AdjustCpuid(entries, {0, 2}, true);
    EXPECT_EQ(entries.size(), 1u);
}

TEST(Cpuid, SecondTopologyLeafIsLeftOut) { EXPECT_TRUE(Cpuid({0, 2}).All(0x1f).empty()); }

TEST(Cpuid, TscDeadlineTimerIsShownWhenKvmHasIt) {
    EXPECT_EQ(Cpuid({0, 1}, true).Only(0x1).ecx & kTscDeadline, kTscDeadline);
    EXPECT_EQ(Cpuid({0, 1}, false).Only(0x1).ecx & kTscDeadline, 0u);
}

TEST(Cpuid, TscDeadlineTimerIsShownEvenWhenTheHostListDoesNot) {
    std::vector<CpuidEntry> entries{Leaf(0x1, 0)};
    AdjustCpuid(entries, {0, 1}, true);
    EXPECT_EQ(entries[0].ecx, kTscDeadline | kHypervisor);
}

TEST(Cpuid, NestedVirtualisationIsHidden) {
    const Cpuid cpuid({0, 1});
    EXPECT_EQ(cpuid.Only(0x1).ecx & kVmx, 0u);
    EXPECT_EQ(cpuid.Only(0x8000'0001).ecx & 1U << 2, 0u);
    EXPECT_EQ(cpuid.Only(0x8000'000a).eax, 0u);
    EXPECT_EQ(cpuid.Only(0x8000'000a).edx, 0u);
}

TEST(Cpuid, PerformanceCountersAreHidden) {
    const Cpuid cpuid({0, 1});
    EXPECT_EQ(cpuid.Only(0x1).ecx & kPerfCapabilities, 0u);
    EXPECT_EQ(cpuid.Only(0xa).eax, 0u);
    EXPECT_EQ(cpuid.Only(0xa).edx, 0u);
    EXPECT_EQ(cpuid.Only(0x8000'0001).ecx & (1U << 23 | 1U << 24 | 1U << 28), 0u);
    EXPECT_EQ(cpuid.Only(0x8000'0022).eax, 0u);
}

TEST(Cpuid, GuestIsToldThatAHypervisorIsThere) { EXPECT_EQ(Cpuid({0, 1}).Only(0x1).ecx & kHypervisor, kHypervisor); }

TEST(Cpuid, AmdThreadCountIsTheMachines) {
    EXPECT_EQ(Cpuid({0, 1}).Only(0x8000'0008).ecx, 0u);
    EXPECT_EQ(Cpuid({0, 6}).Only(0x8000'0008).ecx, 5u | 3u << 12);
}

TEST(Cpuid, LastLevelCacheIsSharedByAllAndOthersByNone) {
    std::vector<CpuidEntry> entries{Leaf(0x4, 0xffff'c021, 0), Leaf(0x4, 0xffff'c063, 3), Leaf(0x4, 0, 4)};
    AdjustCpuid(entries, {0, 4}, true);
    EXPECT_EQ(entries[0].eax >> 14 & 0xfff, 0u);
    EXPECT_EQ(entries[1].eax >> 14 & 0xfff, 3u);
    EXPECT_EQ(entries[1].eax >> 26, 3u);
    EXPECT_EQ(entries[2].eax, 0u);
}

TEST(Cpuid, OtherLeavesStayAsTheyAre) {
    const CpuidEntry leaf = Cpuid({1, 2}).Only(0x7);
    EXPECT_EQ(leaf.eax, kAllOnes);
    EXPECT_EQ(leaf.edx, kAllOnes);
}

// --- Capabilities ---

// A host that lacks the capabilities of these names.
CapabilityQuery HostWithout(const std::set<std::string_view>& missing) {
    std::set<int> numbers;
    for (const KvmCapability& capability : KvmCapabilities()) {
        numbers.insert(missing.contains(capability.name) ? capability.number : -1);
    }
    return [numbers](int number) { return numbers.contains(number) ? 0 : 1; };
}

TEST(KvmCapabilities, HostThatHasEverythingIsFine) { EXPECT_TRUE(CheckRequiredCapabilities(HostWithout({}))); }

TEST(KvmCapabilities, MissingRequiredOnesAreAllNamed) {
    const auto checked = CheckRequiredCapabilities(HostWithout({"KVM_CAP_IRQFD", "KVM_CAP_IMMEDIATE_EXIT"}));
    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().Message(),
              "this host's KVM lacks KVM_CAP_IRQFD, KVM_CAP_IMMEDIATE_EXIT, which husk needs");
    EXPECT_EQ(checked.error().Kind(), ErrorKind::kHost);
}

TEST(KvmCapabilities, OptionalOnesMayBeMissing) {
    EXPECT_TRUE(CheckRequiredCapabilities(HostWithout({"KVM_CAP_READONLY_MEM", "KVM_CAP_X86_NOTIFY_VMEXIT"})));
}

TEST(KvmCapabilities, ErrorsOfTheQueryCountAsMissing) {
    EXPECT_FALSE(CheckRequiredCapabilities([](int) { return -1; }));
}

TEST(KvmCapabilities, RequiredOnesComeFirst) {
    EXPECT_TRUE(std::ranges::is_partitioned(KvmCapabilities(), &KvmCapability::required));
}

}  // namespace
}  // namespace husk
