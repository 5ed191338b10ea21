#include "sandbox/process/host_layers.h"

#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>

#include "sandbox/process/landlock.h"
#include "sandbox/process/namespaces.h"
#include "sandbox/process/seal_process.h"
#include "vmm/base/whole_file.h"

namespace husk {
namespace {

// Of a file that the kernel writes; empty when there is none.
std::string FirstLine(const char* path) {
    std::string line = ReadWholeFile(path).value_or("");
    line.resize(std::min(line.find('\0'), line.size()));
    while (!line.empty() && line.back() == '\n') line.pop_back();
    return line;
}

LayerState Seccomp() {
    unsigned action = SECCOMP_RET_KILL_PROCESS;
    if (::syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0) {
        return {Layer::kSeccomp, true, "filters with KILL_PROCESS", ""};
    }
    return {Layer::kSeccomp, false, "the kernel has no seccomp filters", "use a kernel with CONFIG_SECCOMP_FILTER"};
}

LayerState SELinux() {
    const std::string context = FirstLine("/proc/self/attr/current");
    if (::access("/sys/fs/selinux/enforce", F_OK) != 0 || context.empty()) {
        return {Layer::kSELinux, false, "not active", "boot with SELinux switched on, and a policy installed"};
    }
    const bool enforcing = FirstLine("/sys/fs/selinux/enforce") == "1";
    return {Layer::kSELinux, true, std::string(enforcing ? "enforcing" : "permissive") + ", husk runs as " + context,
            ""};
}

LayerState Namespace(Layer layer, const NamespaceFindings& found) {
    const auto absent = std::ranges::find(found.absent, layer, &AbsentLayer::layer);
    if (absent == found.absent.end()) return {layer, true, "allowed", ""};
    return {layer, false, absent->why, absent->how_to_get, absent->used_up};
}

std::optional<LayerState> Inspect(Layer layer, const NamespaceFindings& namespaces) {
    switch (layer) {
        case Layer::kSeccomp:
            return Seccomp();
        case Layer::kSELinux:
            return SELinux();
        case Layer::kLandlock:
            return InspectLandlock();
        case Layer::kMdwe:
            return InspectMdwe();
        case Layer::kUserNs:
        case Layer::kPidNs:
        case Layer::kNetNs:
        case Layer::kIpcNs:
        case Layer::kUtsNs:
        case Layer::kMountNs:
            return Namespace(layer, namespaces);
        case Layer::kMsrFilter:
            return std::nullopt;
    }
    return std::nullopt;
}

}  // namespace

LayerState InspectLandlock() {
    const int abi = LandlockAbi();
    if (abi > 0) return {Layer::kLandlock, true, "ABI " + std::to_string(abi), ""};
    if (errno == EOPNOTSUPP) {
        return {Layer::kLandlock, false, "switched off", "add landlock to the lsm= parameter of the kernel"};
    }
    return {Layer::kLandlock, false, "the kernel has none", "use a kernel with CONFIG_SECURITY_LANDLOCK (Linux 5.13)"};
}

LayerState InspectMdwe() {
    if (HostHasMdwe()) return {Layer::kMdwe, true, "memory can be kept from becoming executable", ""};
    return {Layer::kMdwe, false, "the kernel has no PR_SET_MDWE", "use Linux 6.3 or newer"};
}

std::vector<LayerState> InspectLayers(const std::vector<LayerState>& given) {
    const NamespaceFindings namespaces = ProbeNamespaces(kNamespaceLayers);
    std::vector<LayerState> states;
    for (const Layer layer : kAllLayers) {
        const auto known = std::ranges::find(given, layer, &LayerState::layer);
        if (known != given.end()) {
            states.push_back(*known);
        } else if (auto state = Inspect(layer, namespaces)) {
            states.push_back(std::move(*state));
        }
    }
    return states;
}

LayerSet PresentLayers(const std::vector<LayerState>& states) {
    LayerSet present;
    for (const LayerState& state : states) {
        if (state.present) present.Add(state.layer);
    }
    return present;
}

}  // namespace husk
