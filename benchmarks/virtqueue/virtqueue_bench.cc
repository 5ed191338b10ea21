// The virtqueue hot path: SplitQueue beside an unchecked queue that does the same loads and stores on the same rings.
//
//     virtqueue_bench                                                      one table
//     virtqueue_bench --benchmark_out=FILE --benchmark_out_format=json     and JSON
//     virtqueue_bench --benchmark_filter=pop_push/1/direct                 some of it
//     virtqueue_bench --instructions                                      counts them too, where the host permits
//
// pop_push is per chain: a driver makes `batch` chains available, the device takes each and gives it back, publishes
// once, and finds nothing more. The shapes that other VMMs publish are per group of chains that gives them their name.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "benchmarks/virtqueue/paired.h"
#include "benchmarks/virtqueue/table_reporter.h"
#include "benchmarks/virtqueue/workloads.h"
#include "vmm/memory/address_map.h"

namespace husk::bench {
namespace {

constexpr int kPairs = 61;
constexpr int kRepetitions = 7;  // of all shapes, in random order: what disturbs one of them disturbs no median
constexpr std::uint32_t kBuffersPerBlock = 4096;  // some ten microseconds: much shorter than a time slice

InstructionCounter& Counter() {
    static InstructionCounter counter;
    return counter;
}

const GuestMemory& Memory() {
    static const GuestMemory memory = GuestMemory::Create(16 * address_map::kMiB).value();
    return memory;
}

// One side of a comparison, with what the workloads need. Always at the same place within a page: where a load and an
// earlier store differ in nothing but the page, the processor waits, and chance would decide for whom.
template <typename SideOf>
struct alignas(4096) Bench {
    Bench(const testing::VirtioRings& rings, const Shape& shape) : side(rings, shape.event_idx) {
        taken.reserve(shape.size);
    }
    std::array<std::byte, 0x640> before{};
    SideOf side;
    std::vector<typename SideOf::Chain> taken;
    alignas(64) Storage storage{};
};

// `prepare`, `work` and `finish` run on both sides in turn; `work` is timed.
template <typename Prepare, typename Work, typename Finish>
void RunPairs(benchmark::State& state, const Shape& shape, double operations, Prepare prepare, Work work,
              Finish finish) {
    const testing::VirtioRings rings = LayRings(Memory(), shape);
    const auto checked = std::make_unique<Bench<CheckedSide>>(rings, shape);
    const auto unchecked = std::make_unique<Bench<UncheckedSide>>(rings, shape);
    const auto run = [&](auto& bench) {
        prepare(bench);
        const Cost cost = Measure(Counter(), [&] { work(bench); });
        finish(bench);
        return cost;
    };
    PairedCosts costs(operations);
    bool checked_first = false;
    for (auto _ : state) {
        checked_first = !checked_first;
        Cost ours;
        if (checked_first) ours = run(*checked);
        const Cost theirs = run(*unchecked);
        if (!checked_first) ours = run(*checked);
        costs.Add(ours, theirs);
        state.SetIterationTime(ours.nanoseconds / 1e9);
    }
    costs.Report(state);
    state.counters["buffers"] = shape.buffers;
    state.counters["indirect"] = shape.indirect ? 1 : 0;
    state.counters["event_idx"] = shape.event_idx ? 1 : 0;
    state.counters["batch"] = shape.batch;
    state.counters["size"] = shape.size;
}

constexpr auto kNothing = [](auto&) {};
constexpr auto kTakeAll = [](auto& bench) { TakeAll(bench.side, bench.storage, bench.taken); };

// In each of these, `group` chains make one operation.
void PopPush(benchmark::State& state, const Shape& shape, double group) {
    const std::uint32_t rounds = std::max(kBuffersPerBlock / (std::uint32_t{shape.batch} * shape.buffers), 1U);
    const auto serve = [&](auto& bench) { Serve(bench.side, bench.storage, shape.batch, rounds); };
    RunPairs(state, shape, rounds * shape.batch / group, kNothing, serve, kNothing);
}

void Pop(benchmark::State& state, const Shape& shape, double group) {
    const auto offer = [&](auto& bench) { bench.side.Offer(shape.Chains()); };
    const auto give = [&](auto& bench) { GiveAll(bench.side, bench.taken, shape.Chains()); };
    RunPairs(state, shape, shape.Chains() / group, offer, kTakeAll, give);
}

void AddUsed(benchmark::State& state, const Shape& shape, double group) {
    const auto take = [&](auto& bench) {
        bench.side.Offer(shape.Chains());
        kTakeAll(bench);
    };
    const auto give = [&](auto& bench) { GiveAll(bench.side, bench.taken, shape.batch); };
    RunPairs(state, shape, shape.Chains() / group, take, give, kNothing);
}

using Workload = void (*)(benchmark::State&, const Shape&, double);

void Register(const std::string& name, Workload workload, const Shape& shape, double group = 1) {
    benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& state) { workload(state, shape, group); })
        ->UseManualTime()
        ->Iterations(kPairs)
        ->Repetitions(kRepetitions)
        ->ReportAggregatesOnly();
}

void RegisterPopPush() {
    for (const std::uint16_t buffers : std::initializer_list<std::uint16_t>{1, 2, 3, 16, 128}) {
        for (const bool indirect : {false, true}) {
            for (const bool event_idx : {true, false}) {
                for (const std::uint16_t batch : std::initializer_list<std::uint16_t>{1, 16}) {
                    for (const std::uint16_t size : std::initializer_list<std::uint16_t>{16, 64, 256, 1024}) {
                        const Shape shape{buffers, indirect, event_idx, batch, size};
                        if (shape.Possible()) Register("pop_push/" + shape.Name(), PopPush, shape);
                    }
                }
            }
        }
    }
}

// Where theirs start afresh for each group, ours take or fill a queue of 1024 and count in groups.
void RegisterPublished() {
    Register("published/queue_pop_16", Pop, {.size = 1024}, 16);
    Register("published/next_descriptor_16", Pop, {.buffers = 16, .size = 1024});
    Register("published/queue_add_used_16", AddUsed, {.batch = 16, .size = 1024}, 16);
    Register("published/queue_add_used_256", AddUsed, {.batch = 256, .size = 1024}, 256);
    Register("published/128x1", PopPush, {.batch = 128, .size = 256}, 128);
    Register("published/1x128", PopPush, {.buffers = 128, .size = 256});
}

}  // namespace
}  // namespace husk::bench

int main(int argc, char** argv) {
    std::vector<char*> arguments(argv, argv + argc);
    const auto wish = std::ranges::find(arguments, std::string_view("--instructions"));
    if (wish != arguments.end()) {
        arguments.erase(wish);
        husk::bench::Counter() = husk::bench::InstructionCounter::Open();
        if (!husk::bench::Counter().Counts()) std::fputs("This host does not let instructions be counted.\n", stderr);
    }
    std::string interleave = "--benchmark_enable_random_interleaving=true";
    arguments.insert(arguments.begin() + 1, interleave.data());  // first, so that the command line can say otherwise
    int count = static_cast<int>(arguments.size());
    benchmark::Initialize(&count, arguments.data());
    if (benchmark::ReportUnrecognizedArguments(count, arguments.data())) return 2;
    husk::bench::RegisterPopPush();
    husk::bench::RegisterPublished();
    husk::bench::TableReporter table;
    benchmark::RunSpecifiedBenchmarks(&table);
    return 0;
}
