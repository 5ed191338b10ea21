#include "vmm/machine/net_report.h"

#include <array>
#include <string_view>

namespace husk {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<std::string_view, kNetDrops> kReasons{"header", "size", "no_room", "wire"};

Json Direction(const NetDirection& direction) {
    Json drops;
    for (std::size_t why = 0; why < kNetDrops; ++why) drops[kReasons[why]] = direction.drops[why].Get();
    Json filtered;
    for (std::size_t why = 1; why < kVerdicts; ++why) {
        filtered[NameOf(static_cast<Verdict>(why))] = direction.filtered[why].Get();
    }
    return {{"frames", direction.frames.Get()},
            {"bytes", direction.bytes.Get()},
            {"dropped", drops},
            {"filtered", filtered},
            {"rate_waits", direction.waits.Get()}};
}

}  // namespace

Json NetReport(const std::string& name, const NetCounters& worker, const VirtioDeviceStats* vmm) {
    Json device{{"device", name},
                {"doorbells", worker.doorbells.Get()},
                {"interrupts", worker.interrupts.Get()},
                {"batches", worker.batches.Get()},
                {"from_guest", Direction(worker.from_guest)},
                {"to_guest", Direction(worker.to_guest)},
                {"capture_lost", worker.capture_lost.Get()},
                {"commands", worker.commands.Get()},
                {"commands_refused", worker.refused.Get()},
                {"polls_hit", worker.polls_hit.Get()},
                {"polls_missed", worker.polls_missed.Get()}};
    if (vmm != nullptr) {
        device["acknowledgements"] = vmm->acknowledgements.Get();
        device["resets"] = vmm->resets.Get();
    }
    return device;
}

}  // namespace husk
