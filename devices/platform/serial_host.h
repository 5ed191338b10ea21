// SerialHost: the host's end of the serial wire.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

namespace husk {

// Called by the UART on vCPU threads and on whichever thread calls Uart8250::HostReady, one call at a time,
// under the UART's lock: no call may block or call the UART back. Whoever drains what was Put and supplies
// what is Taken tells the UART by HostReady.
class SerialHost {
 public:
    virtual ~SerialHost() = default;

    // How many bytes Put takes now. Between two Puts it only grows.
    virtual std::size_t Room() = 0;
    // The next byte the guest sends. Only called while Room() > 0.
    virtual void Put(std::uint8_t byte) = 0;
    // The next byte typed for the guest, which is thereby gone from the host.
    virtual std::optional<std::uint8_t> Take() = 0;
};

}  // namespace husk
