#include "vmm/machine/supervisor.h"

#include <functional>
#include <string>
#include <vector>

#include "devices/host/terminal.h"
#include "vmm/base/log.h"
#include "vmm/machine/boot_source.h"
#include "vmm/machine/console_clients.h"
#include "vmm/machine/family.h"
#include "vmm/machine/life.h"
#include "vmm/machine/signals.h"
#include "vmm/machine/stall.h"
#include "vmm/machine/stats_report.h"

namespace husk {
namespace {

// The terminal is raw from here to the end of the run.
class RawTerminal {
 public:
    explicit RawTerminal(const ConsoleEndpoint& endpoint) : endpoint_(endpoint) {
        if (!endpoint_.terminal) return;
        (void)MakeTerminalRaw(endpoint_.input.Get(), *endpoint_.terminal);
        SetLogRawTerminal(true);
    }
    ~RawTerminal() {
        if (!endpoint_.terminal) return;
        RestoreTerminal(endpoint_.input.Get(), *endpoint_.terminal);
        SetLogRawTerminal(false);
    }
    RawTerminal(const RawTerminal&) = delete;
    RawTerminal& operator=(const RawTerminal&) = delete;

 private:
    const ConsoleEndpoint& endpoint_;
};

// Says which layers the VM does without, in a line for those that the person waived and one for those that the host
// lacks.
void TellAbsences(const MachineConfig& config, const HostResources& resources, const Family& family) {
    std::string waived, absent;
    const auto add = [](std::string& list, Layer layer, const std::string& why) {
        list.append(list.empty() ? "" : ", ").append(LayerName(layer)).append(why.empty() ? "" : " (" + why + ")");
    };
    for (const Layer layer : kAllLayers) {
        if (config.confinement.without.Has(layer)) add(waived, layer, "");
    }
    const bool selinux_off = config.confinement.selinux.mode == SelinuxRequest::Mode::kOff;
    if (!resources.selinux && !selinux_off) add(absent, Layer::kSELinux, "not active");
    for (const AbsentLayer& layer : family.absent) {
        if (!config.confinement.without.Has(layer.layer)) add(absent, layer.layer, layer.why);
    }
    if (!waived.empty()) Log(LogLevel::kWarning, "running without " + waived + ", as asked for");
    if (!absent.empty()) Log(LogLevel::kInfo, "running without " + absent + ": this host lacks it");
}

}  // namespace

Result<Ending> RunMachine(const MachineConfig& config, std::uint64_t process_start) {
    HUSK_TRY(CheckConfig(config));
    StatsReport report = HUSK_TRY(StatsReport::Create(config, process_start));
    HostResources resources = HUSK_TRY(HostResources::Open(config));
    const ConsoleEndpoint& endpoint = resources.console;
    if (!endpoint.place.empty()) Log(LogLevel::kInfo, "the console is at " + endpoint.place);
    const Signals signals;
    const RawTerminal raw(endpoint);
    ConsoleClients clients(endpoint, resources.ports);
    Ending ending;
    std::uint64_t boots = 0;
    std::vector<bool> left_open;  // disks whose last worker did not end its requests
    const std::function<std::string()> explain_stall = [&] { return ExplainStall(config, resources, boots > 1); };
    do {
        Family family = HUSK_TRY(Family::Start(config, resources, process_start, boots > 0));
        if (boots++ == 0) TellAbsences(config, resources, family);
        ending = RunLife(family, resources, signals, clients, explain_stall);
        report.AddBoot(family, ending);
        left_open = family.DisksLeftInUse();
    } while (ending.status == ExitStatus::kReboot && config.on_reboot == OnReboot::kRestart);
    if (ending.status == ExitStatus::kBootSourceUnusable) {
        ending.sentence = "cannot boot " + NameOfSource(config) + ": " + ending.sentence;
    }
    HUSK_TRY(report.Write(ending));
    for (std::size_t disk = 0; disk < left_open.size(); ++disk) {
        if (!left_open[disk]) resources.disks[disk].Unlock();
    }
    return ending;
}

}  // namespace husk
