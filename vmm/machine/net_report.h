// The entry of a network device in the --stats file.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "vmm/roles/stats_pages.h"

namespace husk {

// `vmm`: as the vmm saw it; may be nullptr. The role wrote the numbers: any value may be there.
[[nodiscard]] nlohmann::ordered_json NetReport(const std::string& name, const NetCounters& worker,
                                               const VirtioDeviceStats* vmm);

}  // namespace husk
