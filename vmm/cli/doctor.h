// husk doctor: what this host offers, what is missing, how to get it, and what `husk run` will do here.
#pragma once

#include "vmm/cli/options.h"

namespace husk {

// Prints the report to stdout. Returns the exit status: 0 when husk can run here, 1 when the host lacks something, 5
// when a confinement layer would be refused.
int RunDoctor(const DoctorCommand& command);

}  // namespace husk
