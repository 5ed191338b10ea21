// The device status field (Virtio 1.2 §2.1): how far a driver has come with a device, and what it may say next.
#pragma once

#include <cstdint>
#include <initializer_list>

namespace husk {

// §2.1
enum class StatusBit : std::uint32_t {
    kAcknowledge = 0x01,
    kDriver = 0x02,
    kDriverOk = 0x04,
    kFeaturesOk = 0x08,
    kNeedsReset = 0x40,
    kFailed = 0x80,
};

// A set of status bits; none of them after a reset.
class DeviceStatus {
 public:
    constexpr DeviceStatus() = default;
    constexpr DeviceStatus(std::initializer_list<StatusBit> bits) {
        for (const StatusBit bit : bits) value_ |= static_cast<std::uint32_t>(bit);
    }

    [[nodiscard]] constexpr std::uint32_t Value() const { return value_; }
    [[nodiscard]] constexpr bool Has(StatusBit bit) const { return (value_ & static_cast<std::uint32_t>(bit)) != 0; }
    [[nodiscard]] constexpr bool HasAll(DeviceStatus bits) const { return (value_ & bits.value_) == bits.value_; }
    [[nodiscard]] constexpr bool HasAny(DeviceStatus bits) const { return (value_ & bits.value_) != 0; }
    [[nodiscard]] constexpr DeviceStatus With(StatusBit bit) const {
        DeviceStatus result = *this;
        result.value_ |= static_cast<std::uint32_t>(bit);
        return result;
    }

    friend constexpr bool operator==(DeviceStatus, DeviceStatus) = default;

 private:
    std::uint32_t value_ = 0;
};

// The status after a driver wrote `written`, which is guest-chosen and not 0 (0 is a reset, and no transition). Bits
// are only ever added, each where the table in device_status.cc lets it: what a driver may not say yet is ignored, as
// are cleared, unknown and device-owned bits. `features_acceptable`: the device can work with what the driver accepted.
[[nodiscard]] DeviceStatus NextStatus(DeviceStatus now, std::uint32_t written, bool features_acceptable);

}  // namespace husk
