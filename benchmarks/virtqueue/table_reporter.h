// TableReporter: one line for each shape, and at the end the one ratio that is promised.
#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

namespace husk::bench {

class TableReporter : public benchmark::BenchmarkReporter {
 public:
    bool ReportContext(const Context&) override {
        std::printf("%-19s %7s %-8s %-5s %5s %5s %9s %12s %6s\n", "shape", "buffers", "layout", "event", "batch",
                    "size", "husk ns", "unchecked ns", "ratio");
        return true;
    }

    void ReportRuns(const std::vector<Run>& runs) override {
        for (const Run& run : runs) {
            if (run.error_occurred || run.run_type != Run::RT_Iteration) continue;
            const auto value = [&](const char* name) { return run.counters.at(name).value; };
            const std::string name = run.run_name.function_name;
            const bool own = name.starts_with("pop_push/");
            const std::string shape = own ? "pop_push" : name.substr(name.find('/') + 1);
            std::printf("%-19s %7.0f %-8s %-5s %5.0f %5.0f %9.2f %12.2f %6.2f", shape.c_str(), value("buffers"),
                        value("indirect") != 0 ? "indirect" : "direct", value("event_idx") != 0 ? "on" : "off",
                        value("batch"), value("size"), value("husk_ns"), value("unchecked_ns"), value("ratio"));
            if (run.counters.contains("husk_instructions")) {
                std::printf("   instructions %.1f against %.1f", value("husk_instructions"),
                            value("unchecked_instructions"));
            }
            std::printf("\n");
            if (own && value("buffers") == 1 && value("indirect") == 0) ones_.push_back(value("ratio"));
        }
        std::fflush(stdout);
    }

    void Finalize() override {
        if (ones_.empty()) return;
        std::ranges::sort(ones_);
        std::printf("\npop and push of one direct descriptor, %zu shapes: ratio %.2f to %.2f, median %.2f\n",
                    ones_.size(), ones_.front(), ones_.back(), ones_[ones_.size() / 2]);
    }

 private:
    std::vector<double> ones_;
};

}  // namespace husk::bench
