// The tables as text, for `husk doctor --seccomp`.
#pragma once

#include <span>
#include <string>

#include "sandbox/seccomp/rule.h"

namespace husk {

// Each table's counts, then each of its system calls with the arguments that are checked and why it is there; rows that
// differ in one value only are one line. The last table is the launcher's, which is not enforced. Then the counts
// beside those that peers publish.
[[nodiscard]] std::string PrintTables(std::span<const ThreadTable> tables);

}  // namespace husk
