// Bus: finds the device behind a port or an address. One object for I/O ports, one for memory-mapped registers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "vmm/base/result.h"
#include "vmm/bus/device.h"

namespace husk {

class Bus {
 public:
    // Places `device` at [base, base + size). Start-up only; an overlap is our own mistake and an error.
    // The device must outlive the bus's last access.
    [[nodiscard]] Result<> Attach(std::uint64_t base, std::uint64_t size, BusDevice& device, std::string name);

    // Any vCPU thread; `address` is guest-chosen. False when nobody owns it: then reads have found all ones and
    // writes went nowhere. An access belongs to the device that owns its first byte.
    bool Read(std::uint64_t address, std::span<std::byte> data) const;
    bool Write(std::uint64_t address, std::span<const std::byte> data) const;

    // The name of the device that owns `address`, or empty.
    [[nodiscard]] std::string_view Owner(std::uint64_t address) const;

 private:
    struct Range {
        std::uint64_t base;
        std::uint64_t size;
        BusDevice* device;
        std::string name;
    };
    [[nodiscard]] const Range* Find(std::uint64_t address) const;

    std::vector<Range> ranges_;  // ascending, disjoint; never changes once vCPUs run
};

}  // namespace husk
