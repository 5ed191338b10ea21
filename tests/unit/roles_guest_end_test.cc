#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "vmm/roles/guest_end.h"

namespace husk {
namespace {

using Reason = GuestEnded::Reason;

struct Latch {
    EventFd event = EventFd::Create().value();
    VcpuGate gate;
    GuestEnd end{event, gate};
};

TEST(GuestEnd, NoReasonIsNoReport) {
    Latch latch;
    EXPECT_FALSE(latch.end.Report());
    latch.gate.Open();
    EXPECT_TRUE(latch.gate.Pass());
    EXPECT_FALSE(latch.event.Drain());
}

TEST(GuestEnd, ReasonStopsTheLoopsAndSignals) {
    Latch latch;
    latch.end.Poweroff();
    EXPECT_FALSE(latch.gate.Pass());
    EXPECT_TRUE(latch.event.Drain());
    EXPECT_EQ(latch.end.Report()->reason, Reason::kPoweroff);
}

TEST(GuestEnd, FirstReasonWins) {
    Latch latch;
    latch.end.Reset();
    latch.end.Poweroff();
    latch.end.VcpuEnded(1, {.reason = VcpuEnd::Reason::kTripleFault});
    latch.end.Stop();
    EXPECT_EQ(latch.end.Report()->reason, Reason::kReset);
    EXPECT_EQ(latch.end.Report()->which, 0u);
}

TEST(GuestEnd, TripleFaultNamesItsVcpu) {
    Latch latch;
    latch.end.VcpuEnded(2, {.reason = VcpuEnd::Reason::kTripleFault});
    EXPECT_EQ(latch.end.Report()->reason, Reason::kTripleFault);
    EXPECT_EQ(latch.end.Report()->which, 2u);
    EXPECT_EQ(latch.end.Report()->text.View(), "");
}

TEST(GuestEnd, TripleFaultSaysWhereTheVcpuWas) {
    constexpr std::uint64_t kLongest = ~std::uint64_t{0};
    Latch latch;
    latch.end.VcpuEnded(
        1, {.reason = VcpuEnd::Reason::kTripleFault,
            .crash = {CrashState::Knowledge::kWhole, kLongest, 2, kLongest, 4, kLongest, kLongest, kLongest}});
    EXPECT_EQ(latch.end.Report()->text.View(),
              " at 0xffffffffffffffff: rsp 0x2, cr0 0xffffffffffffffff, cr2 0x4, cr3 0xffffffffffffffff, "
              "cr4 0xffffffffffffffff, efer 0xffffffffffffffff");
}

TEST(GuestEnd, TripleFaultOfAVcpuThatKvmHasResetSaysSo) {
    Latch latch;
    latch.end.VcpuEnded(1, {.reason = VcpuEnd::Reason::kTripleFault, .crash = {CrashState::Knowledge::kReset, 0xfff0}});
    EXPECT_EQ(latch.end.Report()->text.View(), ", whose state is lost: KVM has reset it");
}

TEST(GuestEnd, VcpuThatWasStoppedIsNoReason) {
    Latch latch;
    latch.end.VcpuEnded(0, {.reason = VcpuEnd::Reason::kStopped});
    EXPECT_FALSE(latch.end.Report());
}

TEST(GuestEnd, FailureOfKvmIsDescribed) {
    Latch latch;
    latch.end.VcpuEnded(1, {.reason = VcpuEnd::Reason::kFailed, .failure = {FailedExit::Kind::kEntryFailed, 7, 0xab}});
    const auto report = latch.end.Report();
    ASSERT_TRUE(report);
    EXPECT_EQ(report->reason, Reason::kKvmFailure);
    EXPECT_EQ(report->text.View(),
              "vCPU 1: the processor refused the guest's state (entry failure, reason) 7, detail 0xab");
}

TEST(GuestEnd, LongestDescriptionFits) {
    for (const auto kind : {FailedExit::Kind::kInternalError, FailedExit::Kind::kEntryFailed,
                            FailedExit::Kind::kRunFailed, FailedExit::Kind::kUnknown}) {
        Latch latch;
        latch.end.VcpuEnded(
            63, {.reason = VcpuEnd::Reason::kFailed, .failure = {kind, ~std::uint64_t{0}, ~std::uint64_t{0}}});
        EXPECT_TRUE(latch.end.Report()->text.View().ends_with("18446744073709551615, detail 0xffffffffffffffff"));
    }
}

TEST(GuestEnd, ManyVcpusThatEndAtOnceGiveOneWholeReason) {
    Latch latch;
    std::vector<std::thread> vcpus;
    for (std::uint32_t id = 1; id <= 4; ++id) {
        vcpus.emplace_back([&latch, id] {
            latch.end.VcpuEnded(
                id, {.reason = VcpuEnd::Reason::kFailed, .failure = {FailedExit::Kind::kRunFailed, id, id}});
        });
    }
    for (std::thread& vcpu : vcpus) vcpu.join();
    const auto report = latch.end.Report();
    ASSERT_TRUE(report);
    const std::string id = std::to_string(report->which);
    EXPECT_EQ(report->text.View(), "vCPU " + id + ": KVM_RUN failed (errno) " + id + ", detail 0x" + id);
}

}  // namespace
}  // namespace husk
