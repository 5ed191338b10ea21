// husk list: a table, or JSON, of what a source has to boot.
#pragma once

#include "vmm/cli/options.h"

namespace husk {

// Prints; the exit status.
[[nodiscard]] int RunList(const ListCommand& command);

}  // namespace husk
