#include "vmm/cli/host_layers.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include "sandbox/process/host_layers.h"

namespace husk {
namespace {

HostLayer IoUring() {
    alignas(8) std::array<std::byte, 256> parameters{};
    const long ring = ::syscall(SYS_io_uring_setup, 1, parameters.data());
    if (ring < 0)
        return {"io_uring", false, std::string(std::strerror(errno)) + " (husk uses preadv and pwritev instead)"};
    ::close(static_cast<int>(ring));
    return {"io_uring", true, "allowed"};
}

}  // namespace

std::vector<HostLayer> InspectHostLayers() {
    std::vector<HostLayer> layers;
    for (const LayerState& state : InspectLayers()) {
        layers.push_back({std::string(LayerName(state.layer)), state.present,
                          state.present ? state.detail : state.detail + " (to get it: " + state.how_to_get + ")"});
    }
    layers.push_back(IoUring());
    return layers;
}

}  // namespace husk
