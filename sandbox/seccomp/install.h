// Putting a thread under its filter. Nothing takes it off again.
#pragma once

#include <linux/filter.h>

#include <span>

#include "vmm/base/result.h"

namespace husk {

// For the calling thread and whatever it may start; every thread installs its own, once. Needs no_new_privs. Fails when
// the kernel refuses (errors allocate: nothing is sealed then).
[[nodiscard]] Result<> InstallFilter(std::span<const sock_filter> program);

}  // namespace husk
