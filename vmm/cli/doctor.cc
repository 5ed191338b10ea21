#include "vmm/cli/doctor.h"

#include <cstdio>

#include "vmm/cli/host_layers.h"
#include "vmm/kvm/capabilities.h"
#include "vmm/kvm/kvm.h"
#include "vmm/kvm/speed_probe.h"

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

}  // namespace

int RunDoctor(const std::string& kvm_device) {
    bool usable = true;
    std::printf("KVM (%s)\n", kvm_device.c_str());
    auto device = Kvm::OpenDevice(kvm_device);
    if (!device) {
        Line("MISSING", kvm_device, device.error().Message());
        usable = false;
    } else {
        auto kvm = Kvm::Create(std::move(*device));
        if (!kvm) {
            Line("MISSING", kvm_device, kvm.error().Message());
            usable = false;
        } else {
            usable = ReportCapabilities(*kvm);
            ReportSpeed(*kvm);
        }
    }
    std::printf("Host\n");
    for (const HostLayer& layer : InspectHostLayers()) Line(layer.present ? "ok" : "absent", layer.name, layer.detail);
    std::printf(usable ? "husk can run here.\n" : "husk cannot run here until what is MISSING is there.\n");
    return usable ? 0 : 1;
}

}  // namespace husk
