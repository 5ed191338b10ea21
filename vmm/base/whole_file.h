// The contents of small files: lists, /proc, /etc. Without the C++ library's streams: with their locales they would be
// a quarter of the program, and every role would set them up at its start.
#pragma once

#include <string>

#include "vmm/base/result.h"

namespace husk {

// All that comes until the end, from a file or a pipe.
[[nodiscard]] Result<std::string> ReadToEnd(int fd);

// "cannot read PATH: No such file or directory"
[[nodiscard]] Result<std::string> ReadWholeFile(const std::string& path);

}  // namespace husk
