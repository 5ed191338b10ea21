#include "benchmarks/run_loop/guest_bench.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "benchmarks/run_loop/guest_session.h"
#include "benchmarks/run_loop/tsc.h"

namespace husk::bench {
namespace {

struct Case {
    const char* name;
    const char* operation;  // a word of guests/exits.cc
    std::uint64_t address;
    std::uint64_t operations;  // of one round
};

constexpr std::array kCases = {
    Case{"empty_loop", "none", 0, 100'000},
    Case{"pio_read", "pio-read", kScratchPort, 200},
    Case{"pio_write", "pio-write", kScratchPort, 200},
    Case{"mmio_read_trapped", "mmio-read", kTrappedRegister, 200},
    Case{"mmio_write_trapped", "mmio-write", kTrappedRegister, 200},
    Case{"mmio_read_register_page", "mmio-read", kRegisterPage, 100'000},
    Case{"doorbell_register_page", "mmio-write", kPageDoorbell, 200},
    Case{"doorbell_unmapped", "mmio-write", kUnmappedDoorbell, 200},
    Case{"doorbell_irqfd_handler", "bell", kLoopbackDoorbell, 200},
    Case{"doorbell_worker_interrupt", "bell", kWorkerDoorbell, 200},
    Case{"trapped_doorbell_worker_interrupt", "bell", kTrappedDoorbell, 200},
};
constexpr std::int64_t kPairs = 25;

double Median(std::vector<double> values) {
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::ranges::nth_element(values, middle);
    return *middle;
}

[[noreturn]] void Die(const Case& what, const std::string& why) {
    std::fprintf(stderr, "run_loop_bench: %s: %s\n", what.name, why.c_str());
    std::exit(1);
}

double NanosecondsOfRound(GuestSession& session, Loop loop, const Case& what) {
    const auto line = session.NextLine(loop);
    const auto round = line ? ParseRound(*line) : std::nullopt;
    if (!round) Die(what, "the guest ended, or printed no round");
    return round->LeastTicksPerOperation() / TicksPerNanosecond();
}

// Rounds by the bare loop and by husk's in turns, on one VM. Of each round its fastest batch counts.
void RunGuest(benchmark::State& state, const Case& what, const std::string& guest) {
    char command_line[128];
    std::snprintf(command_line, sizeof command_line, "count=%lu batch=20 rounds=0 %s=%lx", what.operations,
                  what.operation, what.address);
    const auto session = GuestSession::Create(guest, command_line);
    if (!session) Die(what, session.error().Message());
    for (const Loop loop : {Loop::kBare, Loop::kHusk}) NanosecondsOfRound(**session, loop, what);  // warm

    std::vector<double> bare;
    std::vector<double> husk;
    std::vector<double> added;
    for (auto _ : state) {
        const bool husk_first = bare.size() % 2 != 0;
        if (husk_first) husk.push_back(NanosecondsOfRound(**session, Loop::kHusk, what));
        bare.push_back(NanosecondsOfRound(**session, Loop::kBare, what));
        if (!husk_first) husk.push_back(NanosecondsOfRound(**session, Loop::kHusk, what));
        added.push_back(husk.back() - bare.back());
        state.SetIterationTime(husk.back() * 1e-9);
    }
    state.counters["husk_ns"] = Median(husk);
    state.counters["bare_ns"] = Median(bare);
    state.counters["added_ns"] = Median(added);
    state.counters["ratio"] = Median(husk) / Median(bare);
}

}  // namespace

void RegisterGuestBenchmarks(const std::string& guest) {
    for (const Case& what : kCases) {
        benchmark::RegisterBenchmark((std::string("Guest/") + what.name).c_str(),
                                     [&what, guest](benchmark::State& state) { RunGuest(state, what, guest); })
            ->UseManualTime()
            ->Iterations(kPairs);
    }
}

}  // namespace husk::bench
