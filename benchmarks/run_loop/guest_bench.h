// The benchmarks that need a guest and /dev/kvm.
#pragma once

#include <string>

namespace husk::bench {

// Registers them; they run the ELF file `guest`.
void RegisterGuestBenchmarks(const std::string& guest);

}  // namespace husk::bench
