// husk console: a person's terminal, or a pair of pipes, at the console socket of a running VM.
#pragma once

#include <string>
#include <string_view>

#include "vmm/cli/options.h"

namespace husk {

// Stays until the person detaches or the VM closes its console; the exit status.
[[nodiscard]] int RunAttach(const AttachCommand& command);

// Whether somebody is connected to the socket that was bound to `path` and not yet accepted: text of /proc/net/unix.
// As connections are accepted in their order, who came last waits if anybody does. Pure.
[[nodiscard]] bool SomebodyWaitsAt(std::string_view path, std::string_view proc_net_unix);

}  // namespace husk
