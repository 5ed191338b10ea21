// What this host offers this user for confinement: the one truth of the launcher and of `husk doctor`.
#pragma once

#include <string>
#include <vector>

#include "sandbox/process/layers.h"

namespace husk {

struct LayerState {
    Layer layer;
    bool present;
    std::string detail;      // what there is, or why it is not
    std::string how_to_get;  // empty when present
    bool used_up = false;    // see AbsentLayer
};

// Those that cost next to nothing to ask about, for the launcher.
[[nodiscard]] LayerState InspectLandlock();
[[nodiscard]] LayerState InspectMdwe();

// The state of each layer, in the order of kAllLayers. An entry of `given` takes the place of what is found here:
// callers know more of SELinux and seccomp, and only they can ask KVM about msr-filter, which is left out otherwise.
// Asking changes nothing. Single-threaded callers only; about 2 ms.
[[nodiscard]] std::vector<LayerState> InspectLayers(const std::vector<LayerState>& given = {});

// Those of `states` that are present.
[[nodiscard]] LayerSet PresentLayers(const std::vector<LayerState>& states);

}  // namespace husk
