#include "devices/platform/power.h"

#include "vmm/base/bytes.h"

namespace husk {

namespace {

enum class PowerRegister : std::uint64_t {
    kSleepControl = 0,
    kSleepStatus = address_map::kSleepStatusPort - PowerControl::kPort,
    kReset = address_map::kResetPort - PowerControl::kPort,
};
static_assert(static_cast<std::uint64_t>(PowerRegister::kSleepStatus) == 1 &&
              static_cast<std::uint64_t>(PowerRegister::kReset) + 1 == PowerControl::kPorts);

constexpr unsigned kSleepTypeShift = 2;
constexpr std::uint8_t kSleepType = 7 << kSleepTypeShift;
constexpr std::uint8_t kSleepEnable = 1 << 5;

constexpr std::uint8_t kKeyboardStatus = 0xfd;
constexpr std::uint8_t kPulseResetLine = 0xfe;

bool AsksForPoweroff(std::uint8_t sleep_control) {
    return (sleep_control & kSleepEnable) != 0 && (sleep_control & kSleepType) >> kSleepTypeShift == kSleepTypeS5;
}

}  // namespace

void PowerControl::Read(std::uint64_t offset, std::span<std::byte> data) {
    FillOnes(data);
    if (data.size() != 1) return;
    switch (static_cast<PowerRegister>(offset)) {
        case PowerRegister::kSleepControl:
        case PowerRegister::kSleepStatus:
            data[0] = std::byte{0};
            return;
        case PowerRegister::kReset:
            return;  // write-only
    }
}

void PowerControl::Write(std::uint64_t offset, std::span<const std::byte> data) {
    if (data.size() != 1) return;
    const auto value = std::to_integer<std::uint8_t>(data[0]);
    switch (static_cast<PowerRegister>(offset)) {
        case PowerRegister::kSleepControl:
            if (AsksForPoweroff(value)) sink_.Poweroff();
            return;
        case PowerRegister::kSleepStatus:
            return;
        case PowerRegister::kReset:
            if (value == address_map::kResetValue) sink_.Reset();
            return;
    }
}

void KeyboardReset::Read(std::uint64_t, std::span<std::byte> data) {
    FillOnes(data);
    if (data.size() == 1) data[0] = std::byte{kKeyboardStatus};
}

void KeyboardReset::Write(std::uint64_t, std::span<const std::byte> data) {
    if (data.size() == 1 && std::to_integer<std::uint8_t>(data[0]) == kPulseResetLine) sink_.Reset();
}

}  // namespace husk
