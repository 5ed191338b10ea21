// Where husk's own program file is: roles are started from it.
#pragma once

#include <string>

#include "vmm/base/result.h"

namespace husk {

// An absolute path. Not /proc/self/exe: a link under /proc counts as nosuid in a fresh mount namespace, and SELinux
// would then make no transition.
[[nodiscard]] Result<std::string> OwnProgram();

}  // namespace husk
