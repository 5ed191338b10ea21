// Running another program of the host, found by its name in PATH, without a shell.
#pragma once

#include <string>
#include <vector>

#include "vmm/base/result.h"

namespace husk {

// argv, the program's name first.
using ProgramArguments = std::vector<std::string>;

// Waits; errors name the program and say how it ended, or that it is not installed. Its output goes where husk's goes.
[[nodiscard]] Result<> RunProgram(const ProgramArguments& arguments);
// What it writes to standard output.
[[nodiscard]] Result<std::string> CaptureProgram(const ProgramArguments& arguments);
// `producer | consumer`. Both must succeed.
[[nodiscard]] Result<> PipePrograms(const ProgramArguments& producer, const ProgramArguments& consumer);

}  // namespace husk
