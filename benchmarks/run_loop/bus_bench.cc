// Bus lookup: reads of a register of 1, 8 and 64 devices, in an order without a pattern, and of addresses between and
// around them that nobody owns.
#include <benchmark/benchmark.h>

#include <array>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "benchmarks/run_loop/instruction_count.h"
#include "vmm/bus/bus.h"

namespace husk::bench {
namespace {

constexpr std::uint64_t kBase = 0xd000'0000;
constexpr std::uint64_t kSize = 0x1000;
constexpr std::uint64_t kStride = 0x2000;
constexpr std::size_t kAccesses = 1024;
constexpr std::uint64_t kCounted = 64;

struct Storage final : BusDevice {
    void Read(std::uint64_t, std::span<std::byte> data) override { data[0] = value; }
    void Write(std::uint64_t, std::span<const std::byte> data) override { value = data[0]; }
    std::byte value{};
};

std::vector<std::uint64_t> MakeAddresses(std::uint64_t devices, std::uint64_t offset) {
    std::minstd_rand random(1);
    std::vector<std::uint64_t> addresses(kAccesses);
    for (std::uint64_t& address : addresses) address = kBase + kStride * (random() % devices) + offset;
    return addresses;
}

// `offset` from a device's base: inside it, or behind it.
void ReadBus(benchmark::State& state, std::uint64_t offset) {
    const auto devices = static_cast<std::uint64_t>(state.range(0));
    Storage device;
    Bus bus;
    for (std::uint64_t i = 0; i < devices; ++i) {
        if (!bus.Attach(kBase + kStride * i, kSize, device, "device")) std::abort();
    }
    const auto addresses = MakeAddresses(devices, offset);
    std::array<std::byte, 4> data{};
    const auto turns = [&](std::uint64_t count) {
        for (std::uint64_t i = 0; i < count; ++i) {
            benchmark::DoNotOptimize(bus.Read(addresses[i % kAccesses], data));
            benchmark::DoNotOptimize(data);
        }
    };
    while (state.KeepRunningBatch(kAccesses)) turns(kAccesses);
    state.counters["instructions"] =
        InstructionsPerTurn("bus " + std::to_string(offset) + " " + std::to_string(devices), turns, kCounted);
}

BENCHMARK_CAPTURE(ReadBus, hit, 0x10)->Arg(1)->Arg(8)->Arg(64)->ArgName("devices");
BENCHMARK_CAPTURE(ReadBus, miss, kSize)->Arg(1)->Arg(8)->Arg(64)->ArgName("devices");

}  // namespace
}  // namespace husk::bench
