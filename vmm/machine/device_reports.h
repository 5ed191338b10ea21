// What the family reports about its devices, as sentences for the log. The reports come from roles that a guest may
// have taken over: every number in them may be anything.
#pragma once

#include <string>

#include "vmm/roles/messages.h"

namespace husk {

[[nodiscard]] std::string SentenceFor(const DeviceBroken& broken);
// From the worker of disk number `disk`.
[[nodiscard]] std::string SentenceFor(const HostIoFailed& failed, std::size_t disk);
[[nodiscard]] std::string SentenceFor(const ConsoleIoFailed& failed);
// "hvc0", "blk0", ...
[[nodiscard]] std::string DeviceName(std::uint32_t device);

}  // namespace husk
