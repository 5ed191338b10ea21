#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "vmm/base/bytes.h"
#include "vmm/bus/bus.h"
#include "vmm/kvm/run_loop.h"

namespace husk {
namespace {

constexpr std::uint16_t kPort = 0x3f8;
constexpr GuestAddress kRegister{0xfec0'0000};

// Remembers what is written; answers reads with 1, 2, 3, ...
struct Recorder final : BusDevice {
    void Read(std::uint64_t, std::span<std::byte> data) override { StoreLittleEndian(data, ++reads); }
    void Write(std::uint64_t, std::span<const std::byte> data) override { written.push_back(LoadLittleEndian(data)); }
    std::uint64_t reads = 0;
    std::vector<std::uint64_t> written;
};

// Exits in order, as a vCPU would report them; the last one says that the machine is to stop.
class Script {
 public:
    explicit Script(VcpuGate& gate) : gate_(gate) {}
    Script& Then(VcpuExit exit) {
        exits_.push_back(exit);
        return *this;
    }
    VcpuExit Run() {
        ++runs;
        const VcpuExit exit = next_ < exits_.size() ? exits_[next_] : VcpuExit(InterruptedExit{});
        if (++next_ >= exits_.size()) gate_.Over();
        return exit;
    }
    std::size_t runs = 0;

 private:
    VcpuGate& gate_;
    std::vector<VcpuExit> exits_;
    std::size_t next_ = 0;
};

// A machine with one port device and one memory-mapped one.
struct Machine {
    Machine() {
        EXPECT_TRUE(ports.Attach(kPort, 8, port_device, "port"));
        EXPECT_TRUE(mmio.Attach(kRegister.Value(), 0x20, mmio_device, "mmio"));
        gate.Open();
    }
    VcpuEnd Run() { return RunLoop(ports, mmio, counters, gate).Run(script); }

    Bus ports, mmio;
    Recorder port_device, mmio_device;
    ExitCounters counters;
    VcpuGate gate;
    Script script{gate};
};

TEST(RunLoop, OutReachesThePortDevice) {
    Machine machine;
    std::array<std::byte, 1> data{std::byte{'h'}};
    machine.script.Then(PioExit{kPort, 1, true, data});
    EXPECT_EQ(machine.Run().reason, VcpuEnd::Reason::kStopped);
    EXPECT_EQ(machine.port_device.written, std::vector<std::uint64_t>{'h'});
    EXPECT_EQ(machine.counters.Of(ExitKind::kPioWrite), 1u);
    EXPECT_EQ(machine.counters.Unclaimed(), 0u);
}

TEST(RunLoop, InLeavesTheAnswerInTheSharedArea) {
    Machine machine;
    std::array<std::byte, 2> data{};
    machine.script.Then(PioExit{kPort, 2, false, data});
    machine.Run();
    EXPECT_EQ(LoadLittleEndian(data), 1u);
    EXPECT_EQ(machine.counters.Of(ExitKind::kPioRead), 1u);
}

TEST(RunLoop, RepStringOutIsOneAccessPerElement) {
    Machine machine;
    std::array<std::byte, 6> data{std::byte{1}, std::byte{0}, std::byte{2}, std::byte{0}, std::byte{3}, std::byte{0}};
    machine.script.Then(PioExit{kPort, 2, true, data});
    machine.Run();
    EXPECT_EQ(machine.port_device.written, (std::vector<std::uint64_t>{1, 2, 3}));
    EXPECT_EQ(machine.counters.Of(ExitKind::kPioWrite), 1u);
}

TEST(RunLoop, RepStringInFillsEveryElement) {
    Machine machine;
    std::array<std::byte, 4> data{};
    machine.script.Then(PioExit{kPort, 1, false, data});
    machine.Run();
    EXPECT_EQ(LoadLittleEndian(data), 0x0403'0201u);
}

TEST(RunLoop, MmioReachesTheDeviceBothWays) {
    Machine machine;
    std::array<std::byte, 4> out{std::byte{9}}, in{};
    machine.script.Then(MmioExit{kRegister, true, out}).Then(MmioExit{kRegister, false, in});
    machine.Run();
    EXPECT_EQ(machine.mmio_device.written, std::vector<std::uint64_t>{9});
    EXPECT_EQ(LoadLittleEndian(in), 1u);
    EXPECT_EQ(machine.counters.Of(ExitKind::kMmioWrite), 1u);
    EXPECT_EQ(machine.counters.Of(ExitKind::kMmioRead), 1u);
}

TEST(RunLoop, PortsAndMemoryAreDifferentBuses) {
    Machine machine;
    std::array<std::byte, 1> data{std::byte{1}};
    machine.script.Then(MmioExit{GuestAddress(kPort), true, data});
    machine.Run();
    EXPECT_TRUE(machine.port_device.written.empty());
    EXPECT_EQ(machine.counters.Unclaimed(), 1u);
}

TEST(RunLoop, UnclaimedReadsFindAllOnesAndAreCounted) {
    Machine machine;
    std::array<std::byte, 4> port{}, memory{};
    machine.script.Then(PioExit{0x80, 4, false, port}).Then(MmioExit{GuestAddress(0xdead'0000), false, memory});
    machine.Run();
    EXPECT_EQ(LoadLittleEndian(port), 0xffff'ffffu);
    EXPECT_EQ(LoadLittleEndian(memory), 0xffff'ffffu);
    EXPECT_EQ(machine.counters.Unclaimed(), 2u);
}

TEST(RunLoop, UnclaimedRepStringCountsEveryElement) {
    Machine machine;
    std::array<std::byte, 8> data{};
    machine.script.Then(PioExit{0x80, 2, true, data});
    machine.Run();
    EXPECT_EQ(machine.counters.Unclaimed(), 4u);
}

TEST(RunLoop, InterruptionsHaltsAndEndsOfInterruptAreCountedAndPassed) {
    Machine machine;
    machine.script.Then(InterruptedExit{}).Then(EoiExit{0x30}).Then(HaltExit{}).Then(InterruptedExit{});
    EXPECT_EQ(machine.Run().reason, VcpuEnd::Reason::kStopped);
    EXPECT_EQ(machine.counters.Of(ExitKind::kInterrupted), 2u);
    EXPECT_EQ(machine.counters.Of(ExitKind::kEndOfInterrupt), 1u);
    EXPECT_EQ(machine.counters.Of(ExitKind::kOther), 1u);
}

TEST(RunLoop, TripleFaultEndsTheLoop) {
    Machine machine;
    machine.script.Then(ShutdownExit{{.rip = 0x1234}}).Then(InterruptedExit{});
    const VcpuEnd end = machine.Run();
    EXPECT_EQ(end.reason, VcpuEnd::Reason::kTripleFault);
    EXPECT_EQ(end.crash.rip, 0x1234u);
    EXPECT_EQ(machine.script.runs, 1u);
}

TEST(RunLoop, FailureEndsTheLoopAndIsHandedOn) {
    Machine machine;
    machine.script.Then(FailedExit{FailedExit::Kind::kEntryFailed, 0x8000'0021, 3}).Then(InterruptedExit{});
    const VcpuEnd end = machine.Run();
    EXPECT_EQ(end.reason, VcpuEnd::Reason::kFailed);
    EXPECT_EQ(end.failure.kind, FailedExit::Kind::kEntryFailed);
    EXPECT_EQ(end.failure.reason, 0x8000'0021u);
    EXPECT_EQ(end.failure.detail, 3u);
}

TEST(RunLoop, GateThatIsOverBeforeTheFirstRunKeepsTheGuestFromRunning) {
    Machine machine;
    machine.gate.Over();
    EXPECT_EQ(machine.Run().reason, VcpuEnd::Reason::kStopped);
    EXPECT_EQ(machine.script.runs, 0u);
}

TEST(RunLoop, EndIsSeenAfterTheExitThatWasUnderWay) {
    Machine machine;
    std::array<std::byte, 1> data{std::byte{'x'}};
    machine.script.Then(InterruptedExit{}).Then(PioExit{kPort, 1, true, data});
    machine.Run();
    EXPECT_EQ(machine.script.runs, 2u);
    EXPECT_EQ(machine.port_device.written.size(), 1u);
}

// --- What is counted ---

std::vector<ExitCounters::Access> Accesses(const ExitCounters& counters) {
    std::vector<ExitCounters::Access> all;
    counters.ForEachAccess([&all](const ExitCounters::Access& access) { all.push_back(access); });
    return all;
}

TEST(ExitCounters, ZeroAtFirst) {
    const ExitCounters counters;
    EXPECT_EQ(counters.Of(ExitKind::kPioRead), 0u);
    EXPECT_TRUE(Accesses(counters).empty());
}

TEST(ExitCounters, AccessesAreCountedByKindAndAddress) {
    ExitCounters counters;
    counters.CountAccess(ExitKind::kPioWrite, 0x3f8);
    counters.CountAccess(ExitKind::kPioWrite, 0x3f8);
    const auto all = Accesses(counters);
    ASSERT_EQ(all.size(), 1u);
    EXPECT_EQ(all[0].kind, ExitKind::kPioWrite);
    EXPECT_EQ(all[0].address, 0x3f8u);
    EXPECT_EQ(all[0].count, 2u);
}

TEST(ExitCounters, ReadsAndWritesOfOneAddressAreApart) {
    ExitCounters counters;
    counters.CountAccess(ExitKind::kMmioRead, 0xfec0'0000);
    counters.CountAccess(ExitKind::kMmioWrite, 0xfec0'0000);
    EXPECT_EQ(Accesses(counters).size(), 2u);
}

TEST(ExitCounters, FullTableCountsTheRestElsewhereAndLosesNothing) {
    const auto counters = std::make_unique<ExitCounters>();
    constexpr std::uint64_t kAddresses = 5000;
    for (std::uint64_t i = 0; i < kAddresses; ++i) counters->CountAccess(ExitKind::kMmioRead, 0xd000'0000 + i * 4);
    std::uint64_t in_table = 0;
    for (const auto& access : Accesses(*counters)) in_table += access.count;
    EXPECT_LE(in_table, 512u);
    EXPECT_EQ(in_table + counters->Elsewhere(), kAddresses);
    EXPECT_EQ(counters->Of(ExitKind::kMmioRead), kAddresses);
}

TEST(ExitCounters, FullTableGoesOnCountingWhatItKnows) {
    const auto counters = std::make_unique<ExitCounters>();
    counters->CountAccess(ExitKind::kPioWrite, 0x3f8);
    for (std::uint64_t i = 0; i < 5000; ++i) counters->CountAccess(ExitKind::kMmioRead, 0xd000'0000 + i * 4);
    const std::uint64_t elsewhere = counters->Elsewhere();
    counters->CountAccess(ExitKind::kPioWrite, 0x3f8);
    EXPECT_EQ(counters->Elsewhere(), elsewhere);
}

}  // namespace
}  // namespace husk
