#include "benchmarks/run_loop/guest_session.h"

#include <sstream>

#include "vmm/kvm/run_loop.h"

namespace husk::bench {

std::optional<Round> ParseRound(const std::string& line) {
    Round round;
    std::istringstream words(line);
    words >> round.operation >> round.operations >> round.ticks >> round.batch >> round.least;
    if (!words || round.operations == 0 || round.batch == 0) return std::nullopt;
    return round;
}

Result<std::unique_ptr<GuestSession>> GuestSession::Create(const std::string& guest, std::string_view command_line) {
    auto machine = HUSK_TRY(BenchMachine::Create(guest, command_line));
    BareLoop bare = HUSK_TRY(BareLoop::Create(*machine));
    return std::unique_ptr<GuestSession>(new GuestSession(std::move(machine), std::move(bare)));
}

std::optional<std::string> GuestSession::NextLine(Loop loop) {
    bool printed = false;
    if (loop == Loop::kBare) {
        printed = bare_.Run();
    } else {
        VcpuGate& gate = machine_->gate.emplace();
        gate.Open();
        RunLoop husk(machine_->Ports(), machine_->Mmio(), counters_, gate);
        printed = husk.Run(machine_->Cpu()).reason == VcpuEnd::Reason::kStopped;
        machine_->gate.reset();
    }
    if (!printed) return std::nullopt;
    return machine_->console.Take();
}

}  // namespace husk::bench
