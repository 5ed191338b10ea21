// TableReporter: one line for each shape, the medians of its repetitions, and at the end the one ratio that is
// promised.
#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

namespace husk::bench {

class TableReporter : public benchmark::BenchmarkReporter {
 public:
    bool ReportContext(const Context&) override { return true; }

    // Repetitions come in any order; the table is printed in order when all are there.
    void ReportRuns(const std::vector<Run>& runs) override {
        for (const Run& run : runs) {
            if (!run.error_occurred && run.aggregate_name == "median") medians_.push_back(run);
        }
    }

    void Finalize() override {
        std::ranges::sort(medians_, {}, [](const Run& run) { return run.family_index; });
        std::printf("%-19s %7s %-8s %-5s %5s %5s %9s %12s %6s\n", "shape", "buffers", "layout", "event", "batch",
                    "size", "husk ns", "unchecked ns", "ratio");
        std::vector<double> promised;
        for (const Run& run : medians_) {
            const auto value = [&](const char* name) { return run.counters.at(name).value; };
            const std::string& name = run.run_name.function_name;
            const bool own = name.starts_with("pop_push/");
            Print(own ? "pop_push" : name.substr(name.find('/') + 1), value);
            if (own && value("buffers") == 1 && value("indirect") == 0) promised.push_back(value("ratio"));
        }
        if (promised.empty()) return;
        std::ranges::sort(promised);
        std::printf("\npop and push of one direct descriptor, %zu shapes: ratio %.2f to %.2f, median %.2f\n",
                    promised.size(), promised.front(), promised.back(), promised[promised.size() / 2]);
    }

 private:
    template <typename Value>
    static void Print(const std::string& shape, const Value& value) {
        const std::string published = shape.substr(0, shape.find('/'));
        std::printf("%-19s %7.0f %-8s %-5s %5.0f %5.0f %9.2f %12.2f %6.2f", published.c_str(), value("buffers"),
                    value("indirect") != 0 ? "indirect" : "direct", value("event_idx") != 0 ? "on" : "off",
                    value("batch"), value("size"), value("husk_ns"), value("unchecked_ns"), value("ratio"));
        if (value("husk_instructions") > 0) {
            std::printf("   instructions %.1f against %.1f", value("husk_instructions"),
                        value("unchecked_instructions"));
        }
        std::printf("\n");
    }

    std::vector<Run> medians_;
};

}  // namespace husk::bench
