// What the family reports about its devices, as sentences for the log. The reports come from roles that a guest may
// have taken over: every number in them may be anything.
#pragma once

#include <string>

#include "vmm/roles/messages.h"

namespace husk {

// `device`: its name.
[[nodiscard]] std::string SentenceFor(const DeviceBroken& broken, const std::string& device);
// From the worker of disk number `disk`.
[[nodiscard]] std::string SentenceFor(const HostIoFailed& failed, std::size_t disk);
// From the worker of network device number `net`.
[[nodiscard]] std::string SentenceFor(const NetWireGone& gone, std::size_t net);

}  // namespace husk
