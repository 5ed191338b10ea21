// What the benches of workers share: their common options, the cost of a stretch of time, and a main that prints one
// JSON object.
#pragma once

#include <CLI/CLI.hpp>

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>

#include "benchmarks/devices/driver_wires.h"
#include "benchmarks/devices/sealed_worker.h"
#include "devices/virtio/device_stats.h"
#include "vmm/base/result.h"

namespace husk::bench {

struct BenchOptions {
    double seconds = 1;
    double warm_up = 0.5;
    bool unsealed = false;

    void AddTo(CLI::App& app);
    [[nodiscard]] std::uint64_t Nanoseconds() const;
    [[nodiscard]] std::uint64_t WarmUpNanoseconds() const;
    // Layers that the worker is to do without.
    [[nodiscard]] LayerSet Without() const;
};

struct Cost {
    double seconds = 0;
    std::uint64_t cpu = 0;         // nanoseconds of all the worker's threads; without a worker, of this one
    std::uint64_t driver_cpu = 0;  // nanoseconds of this thread, with a worker
    std::uint64_t interrupts = 0;
    bool with_worker = false;

    // A part of it for each of `items`, in microseconds where it is a time.
    [[nodiscard]] nlohmann::json Each(std::uint64_t items, const DriverWires::Counts& wires) const;
};

// Counts from its construction on. Without a worker, only what this thread does.
class CostMeter {
 public:
    CostMeter() : CostMeter(nullptr, nullptr) {}
    // Both outlive this.
    CostMeter(const SealedWorker& worker, const Counter& interrupts) : CostMeter(&worker, &interrupts) {}
    [[nodiscard]] Cost SoFar() const;

 private:
    CostMeter(const SealedWorker* worker, const Counter* interrupts);
    [[nodiscard]] Cost Now() const;

    const SealedWorker* worker_;
    const Counter* interrupts_;
    Cost before_;
};

// The rest of a main whose options `app` has: parses, measures, prints. The caller has called DispatchRole().
int RunBench(CLI::App& app, int argc, char** argv, const std::function<Result<nlohmann::json>()>& measure);

}  // namespace husk::bench
