#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "vmm/kvm/vcpu_gate.h"

namespace husk {
namespace {

TEST(VcpuGate, OpenGateLetsVcpusPass) {
    VcpuGate gate;
    gate.Open();
    EXPECT_TRUE(gate.Pass());
    EXPECT_EQ(gate.CountOutside(), 0u);
}

TEST(VcpuGate, GateThatIsOverStopsVcpusAndStaysOver) {
    VcpuGate gate;
    gate.Over();
    gate.Open();
    EXPECT_FALSE(gate.Close());
    EXPECT_FALSE(gate.Pass());
}

TEST(VcpuGate, CloseSaysWhetherItWasOpen) {
    VcpuGate gate;
    EXPECT_FALSE(gate.Close());
    gate.Open();
    EXPECT_TRUE(gate.Close());
    EXPECT_FALSE(gate.Close());
}

TEST(VcpuGate, VcpusAreHeldUntilTheGateOpens) {
    VcpuGate gate;
    std::atomic<bool> passed{false};
    std::thread vcpu([&] { passed = gate.Pass(); });
    while (gate.CountOutside() != 1) std::this_thread::yield();
    EXPECT_FALSE(passed);
    gate.Open();
    vcpu.join();
    EXPECT_TRUE(passed);
    EXPECT_EQ(gate.CountOutside(), 0u);
}

TEST(VcpuGate, HeldVcpusLearnThatItIsOver) {
    VcpuGate gate;
    std::atomic<bool> passed{true};
    std::thread vcpu([&] { passed = gate.Pass(); });
    while (gate.CountOutside() != 1) std::this_thread::yield();
    gate.Over();
    vcpu.join();
    EXPECT_FALSE(passed);
}

TEST(VcpuGate, VcpuThatWaitsInADeviceCountsAsOutsideAndIsHeldThere) {
    VcpuGate gate;
    gate.Open();
    std::atomic<bool> answer{false};
    std::thread vcpu([&] {
        const VcpuGate::Outside outside(gate);
        answer.wait(false);
    });
    EXPECT_TRUE(gate.Close());
    while (gate.CountOutside() != 1) std::this_thread::yield();
    answer = true;
    answer.notify_all();
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    EXPECT_EQ(gate.CountOutside(), 1u);
    gate.Open();
    vcpu.join();
    EXPECT_EQ(gate.CountOutside(), 0u);
}

// Vcpus pass as fast as they can, some of them by way of a device; once all are counted, none may be inside.
TEST(VcpuGate, NobodyIsInsideOnceAllAreCounted) {
    constexpr std::uint32_t kVcpus = 3;
    VcpuGate gate;
    gate.Open();
    std::atomic<std::uint32_t> inside{0};
    std::vector<std::thread> vcpus;
    for (std::uint32_t id = 0; id < kVcpus; ++id) {
        vcpus.emplace_back([&] {
            while (gate.Pass()) {
                inside.fetch_add(1);
                inside.fetch_sub(1);
                const VcpuGate::Outside outside(gate);
            }
        });
    }
    for (int round = 0; round < 2000; ++round) {
        EXPECT_TRUE(gate.Close());
        while (gate.CountOutside() != kVcpus) std::this_thread::yield();
        for (int look = 0; look < 20; ++look) ASSERT_EQ(inside.load(), 0u);
        gate.Open();
    }
    gate.Over();
    for (std::thread& vcpu : vcpus) vcpu.join();
}

}  // namespace
}  // namespace husk
