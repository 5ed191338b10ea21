// What the host's kernel offers for confinement, and for I/O. Asking changes nothing.
#pragma once

#include <string>
#include <vector>

namespace husk {

struct HostLayer {
    std::string name;
    bool present;
    std::string detail;
};

[[nodiscard]] std::vector<HostLayer> InspectHostLayers();

}  // namespace husk
