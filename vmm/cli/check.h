// husk check: what of a source will not work, one line each, and how to fix it.
#pragma once

#include "vmm/cli/options.h"

namespace husk {

// Prints; the exit status: 6 when something keeps it from booting.
[[nodiscard]] int RunCheck(const CheckCommand& command);

}  // namespace husk
