#include "vmm/kvm/msr_filter.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace husk {
namespace {

bool Allowed(std::uint32_t msr) {
    return std::ranges::any_of(AllowedMsrs(), [msr](const MsrRange& r) { return msr >= r.first && msr <= r.last; });
}

TEST(MsrFilter, TheListIsAscendingAndDisjoint) {
    std::uint64_t next = 0;
    for (const MsrRange& range : AllowedMsrs()) {
        EXPECT_GE(range.first, next) << std::hex << range.first;
        EXPECT_GE(range.last, range.first);
        next = std::uint64_t{range.last} + 1;
    }
}

TEST(MsrFilter, EveryEntryHasAReason) {
    for (const MsrRange& range : AllowedMsrs()) EXPECT_STRNE(range.use, "") << std::hex << range.first;
}

TEST(MsrFilter, WhatAGuestKernelCannotDoWithoutIsAllowed) {
    for (const std::uint32_t msr : {0x10U, 0x1bU, 0x277U, 0x6e0U, 0xc0000080U, 0xc0000082U, 0xc0000101U, 0x4b564d01U}) {
        EXPECT_TRUE(Allowed(msr)) << std::hex << msr;
    }
}

TEST(MsrFilter, CountersNestingTracingAndOtherHypervisorsAreNot) {
    for (const std::uint32_t msr : {0xc1U,           // performance counter
                                    0x186U,          // its event
                                    0x38fU,          // global control of counters
                                    0x480U,          // VMX capabilities
                                    0x570U,          // processor trace
                                    0x8cU,           // SGX launch key
                                    0x40000000U,     // Hyper-V
                                    0xc0010114U,     // SVM control
                                    0xc0010117U,     // SVM host save area
                                    0xc0010130U}) {  // SEV
        EXPECT_FALSE(Allowed(msr)) << std::hex << msr;
    }
}

}  // namespace
}  // namespace husk
