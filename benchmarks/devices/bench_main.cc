#include "benchmarks/devices/bench_main.h"

#include <cstdio>
#include <ctime>

#include "vmm/base/clock.h"

namespace husk::bench {
namespace {

constexpr double kSecond = 1e9;

std::uint64_t ThreadCpu() {
    timespec used{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return static_cast<std::uint64_t>(used.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(used.tv_nsec);
}

}  // namespace

void BenchOptions::AddTo(CLI::App& app) {
    app.add_option("--seconds", seconds, "of measuring")->check(CLI::Range(0.1, 600.0));
    app.add_option("--warm-up", warm_up, "seconds before that")->check(CLI::Range(0.0, 60.0));
    app.add_flag("--unsealed", unsealed, "without the seccomp filters: what they cost, or to look with strace");
}
std::uint64_t BenchOptions::Nanoseconds() const { return static_cast<std::uint64_t>(seconds * kSecond); }
std::uint64_t BenchOptions::WarmUpNanoseconds() const { return static_cast<std::uint64_t>(warm_up * kSecond); }
LayerSet BenchOptions::Without() const { return unsealed ? LayerSet{Layer::kSeccomp} : LayerSet{}; }

nlohmann::json Cost::Each(std::uint64_t items, const DriverWires::Counts& wires) const {
    const auto each = [items](std::uint64_t count) { return static_cast<double>(count) / static_cast<double>(items); };
    nlohmann::json result{{"cpu_us", each(cpu) / 1000}};
    if (!with_worker) return result;
    result["driver_cpu_us"] = each(driver_cpu) / 1000;
    result["interrupts"] = each(interrupts);
    result["doorbells"] = each(wires.doorbells);
    result["driver_wakeups"] = each(wires.wakeups);
    return result;
}

CostMeter::CostMeter(const SealedWorker* worker, const Counter* interrupts)
    : worker_(worker), interrupts_(interrupts), before_(Now()) {}

Cost CostMeter::Now() const {
    Cost now;
    (worker_ != nullptr ? now.driver_cpu : now.cpu) = ThreadCpu();
    if (worker_ != nullptr) now.cpu = worker_->CpuNanoseconds();
    if (interrupts_ != nullptr) now.interrupts = interrupts_->Get();
    now.seconds = static_cast<double>(MonotonicNanoseconds()) / kSecond;
    return now;
}

Cost CostMeter::SoFar() const {
    const Cost now = Now();
    return {.seconds = now.seconds - before_.seconds,
            .cpu = now.cpu - before_.cpu,
            .driver_cpu = now.driver_cpu - before_.driver_cpu,
            .interrupts = now.interrupts - before_.interrupts,
            .with_worker = worker_ != nullptr};
}

int RunBench(CLI::App& app, int argc, char** argv, const std::function<Result<nlohmann::json>()>& measure) {
    CLI11_PARSE(app, argc, argv);
    const auto result = measure();
    if (!result) {
        std::fprintf(stderr, "%s: %s\n", argv[0], result.error().Message().c_str());
        return 1;
    }
    std::printf("%s\n", result->dump(2).c_str());
    return 0;
}

}  // namespace husk::bench
