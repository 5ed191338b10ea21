// What a worker's loop is told by its device after a turn.
#pragma once

namespace husk {

enum class ServeResult {
    kSleep,  // nothing to do: a descriptor that the device waits for will tell
    kMore,   // there may be more: look at other descriptors, without waiting, and call again
    kFault,  // once: the driver broke the protocol, see Fault(). Else as kSleep: what is in flight comes back later
};

}  // namespace husk
