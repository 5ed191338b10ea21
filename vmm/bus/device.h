// BusDevice: something that answers accesses to a range of ports or addresses.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace husk {

// Both calls come on vCPU threads, several at once: a device with state has its own lock. `offset` is guest-chosen and
// inside the range the device was placed at; `data` is 1, 2, 4 or 8 bytes long, little-endian, and
// offset + data.size() may reach past the range's end. They never fail: an access that means nothing reads all ones
// and writes nowhere.
class BusDevice {
 public:
    virtual ~BusDevice() = default;
    virtual void Read(std::uint64_t offset, std::span<std::byte> data) = 0;
    virtual void Write(std::uint64_t offset, std::span<const std::byte> data) = 0;
};

}  // namespace husk
