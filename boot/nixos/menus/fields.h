// The fields of an entry that the guest or the host acts on, checked: paths and command lines. Unlike texts for people
// they are refused when something is wrong with them, never mended: half a command line boots another system.
#pragma once

#include <string>
#include <string_view>

#include "vmm/base/result.h"

namespace husk {

// `path` as an absolute one without "." and ".." and repeated slashes. A relative one begins at `directory`, which is
// absolute. An error when it is empty, leads above the root, is too long, or holds what IsClean refuses.
[[nodiscard]] Result<std::string> ResolvePath(std::string_view directory, std::string_view path);

// Kernel parameters as one line: tabs become spaces, spaces at the ends go. An error when it is too long or holds what
// IsClean refuses.
[[nodiscard]] Result<std::string> CheckCommandLine(std::string_view parameters);

// `parameters` behind what `line` holds, a space between. The same errors.
[[nodiscard]] Result<> AppendParameters(std::string& line, std::string_view parameters);

}  // namespace husk
