// husk doctor: what this host offers, what is missing, and how to get it.
#pragma once

#include <string>

namespace husk {

// Prints the report to stdout. Returns the exit status: 0 when husk can run here, else 1.
int RunDoctor(const std::string& kvm_device);

}  // namespace husk
