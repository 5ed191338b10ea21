// Option values that are lists, as "FILE,ro,serial=x".
#pragma once

#include <string>
#include <vector>

namespace husk {

// The parts; in the first one, ",," stands for a comma. Never empty.
[[nodiscard]] std::vector<std::string> SplitAtCommas(const std::string& text);

}  // namespace husk
