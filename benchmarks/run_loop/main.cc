// run_loop_bench: what husk's run loop, bus, doorbells and interrupts cost. Options are Google Benchmark's, and
//     --guest=FILE    the benchmark guest, when it is not where it was built
//     --tsc           nothing but the ticks of the time stamp counter in a nanosecond
#include <benchmark/benchmark.h>

#include <cstdio>
#include <string>
#include <string_view>

#include "benchmarks/run_loop/guest_bench.h"
#include "benchmarks/run_loop/tsc.h"
#include "vmm/kvm/kvm.h"

int main(int argc, char** argv) {
    benchmark::Initialize(&argc, argv);
    std::string guest = HUSK_EXITS_GUEST;
    for (int i = 1; i < argc; ++i) {
        constexpr std::string_view kGuest = "--guest=";
        const std::string_view argument = argv[i];
        if (argument == "--tsc") {
            std::printf("%.6f\n", husk::bench::TicksPerNanosecond());
            return 0;
        }
        if (!argument.starts_with(kGuest)) {
            std::fprintf(stderr, "run_loop_bench: unknown option %s\n", argv[i]);
            return 2;
        }
        guest = argument.substr(kGuest.size());
    }
    // Without KVM most of this has no meaning, and a table without it would look complete.
    if (const auto kvm = husk::Kvm::OpenDevice("/dev/kvm"); !kvm) {
        std::fprintf(stderr, "run_loop_bench: %s\n", kvm.error().Message().c_str());
        return 1;
    }
    husk::bench::RegisterGuestBenchmarks(guest);
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
