// The run loop alone: exits come from a script that always says the same, so what is left is to decode, count, find the
// device and call it. "floor" is the script without a loop around it.
#include <benchmark/benchmark.h>

#include <array>
#include <cstdlib>
#include <string>

#include "benchmarks/run_loop/instruction_count.h"
#include "vmm/kvm/run_loop.h"

namespace husk::bench {
namespace {

constexpr std::uint16_t kPort = 0x3f8;
constexpr std::uint64_t kRegisters = 0xd000'0000;
constexpr std::uint64_t kNobody = 0xe000'0000;
constexpr std::uint64_t kBatch = 1024;
constexpr std::uint64_t kCounted = 64;

struct Storage final : BusDevice {
    void Read(std::uint64_t, std::span<std::byte> data) override { data[0] = value; }
    void Write(std::uint64_t, std::span<const std::byte> data) override { value = data[0]; }
    std::byte value{};
};

// The same exit, `left` times; then the gate says that it is over.
struct Script {
    const VcpuExit& exit;
    VcpuGate& gate;
    std::uint64_t left;
    VcpuExit Run() {
        if (--left == 0) gate.Over();
        return exit;
    }
};

// The machine whose vCPU the script is: like husk's, a few devices on each bus.
struct Machine {
    Machine() {
        for (const std::uint64_t port : {0x64U, 0x3f8U, 0x600U}) {
            if (!ports.Attach(port, 8, device, "port")) std::abort();
        }
        for (const std::uint64_t address : {kRegisters, kRegisters + 0x1000, std::uint64_t{0xfec0'0000}}) {
            if (!mmio.Attach(address, 0x1000, device, "registers")) std::abort();
        }
    }
    Storage device;
    Bus ports;
    Bus mmio;
    ExitCounters counters;
    std::array<std::byte, 8> data{};

    void Husk(const VcpuExit& exit, std::uint64_t count) {
        VcpuGate gate;
        gate.Open();
        Script script{exit, gate, count};
        benchmark::DoNotOptimize(RunLoop(ports, mmio, counters, gate).Run(script));
    }
    static void Floor(const VcpuExit& exit, std::uint64_t count) {
        VcpuGate gate;
        gate.Open();
        Script script{exit, gate, count};
        while (gate.Pass()) benchmark::DoNotOptimize(script.Run());
    }
};

enum class Kind { kFloor, kPioRead, kPioWrite, kMmioRead, kMmioWrite, kMmioNobody };

VcpuExit ExitOf(Kind kind, Machine& machine) {
    const std::span<std::byte> data(machine.data);
    switch (kind) {
        case Kind::kFloor:
        case Kind::kPioRead:
            return PioExit{kPort, 1, false, data.first(1)};
        case Kind::kPioWrite:
            return PioExit{kPort, 1, true, data.first(1)};
        case Kind::kMmioRead:
            return MmioExit{GuestAddress(kRegisters), false, data.first(4)};
        case Kind::kMmioWrite:
            return MmioExit{GuestAddress(kRegisters), true, data.first(4)};
        case Kind::kMmioNobody:
            return MmioExit{GuestAddress(kNobody), false, data.first(4)};
    }
    std::abort();
}

void Dispatch(benchmark::State& state, Kind kind) {
    Machine machine;
    VcpuExit exit = ExitOf(kind, machine);
    const auto turns = [&](std::uint64_t count) {
        benchmark::DoNotOptimize(&exit);
        benchmark::ClobberMemory();
        if (kind == Kind::kFloor) {
            Machine::Floor(exit, count);
        } else {
            machine.Husk(exit, count);
        }
    };
    while (state.KeepRunningBatch(kBatch)) turns(kBatch);
    state.counters["instructions"] =
        InstructionsPerTurn("dispatch " + std::to_string(static_cast<int>(kind)), turns, kCounted);
}

BENCHMARK_CAPTURE(Dispatch, floor, Kind::kFloor);
BENCHMARK_CAPTURE(Dispatch, pio_read, Kind::kPioRead);
BENCHMARK_CAPTURE(Dispatch, pio_write, Kind::kPioWrite);
BENCHMARK_CAPTURE(Dispatch, mmio_read, Kind::kMmioRead);
BENCHMARK_CAPTURE(Dispatch, mmio_write, Kind::kMmioWrite);
BENCHMARK_CAPTURE(Dispatch, mmio_read_of_nobody, Kind::kMmioNobody);

}  // namespace
}  // namespace husk::bench
