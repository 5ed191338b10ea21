// Paired measurement on a noisy machine: short blocks of one side and of the other in turn, and the medians of both and
// of the ratio within each pair. What disturbs one block in ten disturbs no median.
#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "benchmarks/virtqueue/instructions.h"

namespace husk::bench {

struct Cost {
    double nanoseconds = 0;
    double instructions = 0;  // 0 when not counted
};

class PairedCosts {
 public:
    explicit PairedCosts(double operations) : operations_(operations) {}

    void Add(const Cost& checked, const Cost& unchecked) {
        checked_.push_back(checked.nanoseconds / operations_);
        unchecked_.push_back(unchecked.nanoseconds / operations_);
        ratio_.push_back(checked.nanoseconds / unchecked.nanoseconds);
        checked_instructions_.push_back(checked.instructions / operations_);
        unchecked_instructions_.push_back(unchecked.instructions / operations_);
    }
    // The medians, per operation.
    void Report(benchmark::State& state) const {
        state.counters["husk_ns"] = Median(checked_);
        state.counters["unchecked_ns"] = Median(unchecked_);
        state.counters["ratio"] = Median(ratio_);
        state.counters["husk_instructions"] = Median(checked_instructions_);
        state.counters["unchecked_instructions"] = Median(unchecked_instructions_);
    }

 private:
    static double Median(std::vector<double> values) {
        const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
        std::ranges::nth_element(values, middle);
        return *middle;
    }

    double operations_;
    std::vector<double> checked_, unchecked_, ratio_, checked_instructions_, unchecked_instructions_;
};

template <typename Work>
[[nodiscard]] Cost Measure(const InstructionCounter& counter, Work&& work) {
    const std::uint64_t instructions = counter.Read();
    const auto start = std::chrono::steady_clock::now();
    work();
    const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - start;
    return {.nanoseconds = took.count(), .instructions = static_cast<double>(counter.Read() - instructions)};
}

}  // namespace husk::bench
