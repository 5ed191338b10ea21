#include "vmm/cli/doctor.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <optional>
#include <vector>

#include "sandbox/seccomp/print.h"
#include "vmm/kvm/capabilities.h"
#include "vmm/kvm/kvm.h"
#include "vmm/kvm/speed_probe.h"
#include "vmm/machine/exit_status.h"
#include "vmm/machine/own_program.h"
#include "vmm/roles/filters/role_tables.h"

namespace husk {
namespace {

void Line(const char* mark, const std::string& subject, const std::string& detail) {
    std::printf("  %-7s %-28s %s\n", mark, subject.c_str(), detail.c_str());
}

bool ReportCapabilities(const Kvm& kvm) {
    bool complete = true;
    for (const KvmCapability& capability : KvmCapabilities()) {
        const bool present = kvm.CheckExtension(capability.number) > 0;
        complete = complete && (present || !capability.required);
        const char* const mark = present ? "ok" : capability.required ? "MISSING" : "absent";
        Line(mark, std::string(capability.name), std::string(capability.use));
    }
    Line("ok", "vCPUs in one VM", "at most " + std::to_string(kvm.MaxVcpus()));
    return complete;
}

void ReportSpeed(const Kvm& kvm) {
    const auto speed = ProbeGuestSpeed(kvm);
    if (!speed) return Line("FAILED", "running guest code", speed.error().Message());
    const std::string figure =
        std::to_string(speed->nanoseconds_per_instruction) + " ns for a guest kernel's instruction";
    if (speed->Emulated()) {
        return Line("SLOW", "running guest code",
                    figure + ": this KVM emulates guest kernels; stock kernels will not boot");
    }
    Line("ok", "running guest code", figure);
}

// The device, when husk can use it.
std::optional<Kvm> ReportKvm(const std::string& path) {
    std::printf("KVM (%s)\n", path.c_str());
    auto device = Kvm::OpenDevice(path);
    auto kvm = device ? Kvm::Create(std::move(*device)) : Result<Kvm>(std::unexpected(device.error()));
    if (!kvm) {
        Line("MISSING", path, kvm.error().Message());
        return std::nullopt;
    }
    if (!ReportCapabilities(*kvm)) return std::nullopt;
    ReportSpeed(*kvm);
    return std::move(*kvm);
}

// Whether `husk run` with the same options would go on; it would be refused for the first layer that says REFUSED.
bool ReportLayer(const LayerState& state, const ConfinementConfig& config) {
    const std::string name(LayerName(state.layer));
    if (config.without.Has(state.layer)) {
        Line("waived", name, "by --without " + name);
        return true;
    }
    if (state.present) {
        Line("ok", name, state.detail);
        return true;
    }
    const bool refused = config.required.Has(state.layer) || state.layer == Layer::kSeccomp || state.used_up;
    Line(refused ? "REFUSED" : "absent", name, state.detail + "; to get it: " + state.how_to_get);
    return !refused;
}

bool ReportSelinux(const ConfinementConfig& config) {
    const auto program = OwnProgram();
    const auto host = MakeLibSelinuxHost();
    const SelinuxDescription selinux = DescribeSelinux(config.selinux, program ? *program : "", *host);
    const bool off = config.selinux.mode == SelinuxRequest::Mode::kOff;
    Line(off ? "waived" : selinux.refused ? "REFUSED" : !selinux.active ? "absent" : "ok", "selinux", selinux.summary);
    for (const std::string& warning : selinux.warnings) Line("", "", warning);
    return !selinux.refused;
}

bool ReportConfinement(const ConfinementConfig& config, const std::optional<Kvm>& kvm) {
    std::printf("Confinement\n");
    std::vector<LayerState> given;
    if (kvm) given.push_back(InspectMsrFilter(*kvm));
    bool allowed = true;
    for (const LayerState& state : InspectLayers(given)) {
        const bool goes_on = state.layer == Layer::kSELinux ? ReportSelinux(config) : ReportLayer(state, config);
        allowed = allowed && goes_on;
    }
    Line("ok", "always",
         "no new privileges, no capabilities, not dumpable, closed descriptors, limits, an empty environment");
    return allowed;
}

void ReportIoUring() {
    std::printf("Host\n");
    alignas(8) std::array<std::byte, 256> parameters{};
    const long ring = ::syscall(SYS_io_uring_setup, 1, parameters.data());
    if (ring < 0) return Line("absent", "io_uring", std::string(std::strerror(errno)) + "; husk does not need it");
    ::close(static_cast<int>(ring));
    Line("ok", "io_uring", "allowed; husk does not need it");
}

}  // namespace

int RunDoctor(const DoctorCommand& command) {
    if (command.print_tables) {
        std::fputs(PrintTables(role_tables::All()).c_str(), stdout);
        return 0;
    }
    const auto kvm = ReportKvm(command.kvm_device);
    const bool allowed = ReportConfinement(command.confinement, kvm);
    ReportIoUring();
    if (!kvm) {
        std::printf("husk cannot run here until what is MISSING is there.\n");
        return static_cast<int>(ExitStatus::kHostFailure);
    }
    if (!allowed) {
        std::printf("husk run will refuse to start here, with status 5.\n");
        return static_cast<int>(ExitStatus::kConfinementRefused);
    }
    std::printf("husk can run here, confined by every layer that says ok.\n");
    return 0;
}

}  // namespace husk
