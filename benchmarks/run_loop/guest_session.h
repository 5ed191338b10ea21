// GuestSession: a benchmark guest (guests/exits.cc) on the host's KVM, run in rounds by one loop or another in turns,
// so that two loops are compared on the same VM within milliseconds.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "benchmarks/run_loop/bare_loop.h"
#include "benchmarks/run_loop/bench_machine.h"
#include "vmm/base/result.h"
#include "vmm/kvm/exit_counters.h"

namespace husk::bench {

enum class Loop { kBare, kHusk };

// A line of the guest's.
struct Round {
    std::string operation;
    std::uint64_t operations = 0;
    std::uint64_t ticks = 0;
    std::uint64_t batch = 0;
    std::uint64_t least = 0;
    // Of the fastest batch.
    [[nodiscard]] double LeastTicksPerOperation() const {
        return static_cast<double>(least) / static_cast<double>(batch);
    }
};
// Nothing when the line is no round.
[[nodiscard]] std::optional<Round> ParseRound(const std::string& line);

class GuestSession {
 public:
    [[nodiscard]] static Result<std::unique_ptr<GuestSession>> Create(const std::string& guest,
                                                                      std::string_view command_line);

    // The next line, got with `loop`; nothing when the guest has ended instead.
    [[nodiscard]] std::optional<std::string> NextLine(Loop loop);

 private:
    GuestSession(std::unique_ptr<BenchMachine> machine, BareLoop bare)
        : machine_(std::move(machine)), bare_(std::move(bare)) {}

    std::unique_ptr<BenchMachine> machine_;
    BareLoop bare_;
    ExitCounters counters_;
};

}  // namespace husk::bench
