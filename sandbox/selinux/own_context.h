// Reading the SELinux context of a process from /proc, without libselinux: what a confined role has to do.
#pragma once

#include <string>
#include <string_view>

#include "vmm/base/result.h"

namespace husk {

// The context of the process that /proc knows as `process`: a number, or "self". What another security module says
// there comes back as it is.
[[nodiscard]] Result<std::string> ReadProcessContext(std::string_view process);

// For a role, after its exec and before it seals itself: whether it runs in the context that the launcher gave it, byte
// for byte. An exec may succeed without the transition, and then nothing else would tell. Kind kConfinement.
[[nodiscard]] Result<> CheckOwnContext(std::string_view expected);

}  // namespace husk
