// A kernel's command line, taken apart as Linux does it (lib/cmdline.c, next_arg).
#pragma once

#include <string_view>
#include <vector>

namespace husk {

// The words between spaces; a space within double quotes parts nothing, and the quotes stay.
[[nodiscard]] std::vector<std::string_view> CommandLineWords(std::string_view line);

// What stands behind "NAME=" in each word that begins so, in order.
[[nodiscard]] std::vector<std::string_view> CommandLineValues(std::string_view line, std::string_view name);

}  // namespace husk
