// Which namespaces this host lets this process give to a child, and why not the others.
#pragma once

#include <string>
#include <vector>

#include "sandbox/process/layers.h"

namespace husk {

// A layer that the host does not have for this user.
struct AbsentLayer {
    Layer layer;
    std::string why;         // e.g. "the sysctl user.max_net_namespaces is 0"
    std::string how_to_get;  // e.g. "raise it (sysctl user.max_net_namespaces=1024)"
    bool used_up = false;    // the host has it, and others have all of it: nothing to go on without unasked
};

struct NamespaceFindings {
    LayerSet available;
    std::vector<AbsentLayer> absent;
};

// The clone(2) flags of the namespaces in `layers`; other layers have none.
[[nodiscard]] int CloneFlags(LayerSet layers);

// Tries each namespace of `wanted` by itself, in a child that ends at once: hardened hosts refuse by several means, and
// only trying tells. A user namespace comes first where it is wanted: for an ordinary user the others need it.
// Single-threaded callers only. About 0.1 ms each (net-ns: 1 ms).
[[nodiscard]] NamespaceFindings ProbeNamespaces(LayerSet wanted);

}  // namespace husk
