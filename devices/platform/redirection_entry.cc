#include "devices/platform/redirection_entry.h"

namespace husk {

namespace {

constexpr std::uint32_t kVector = 0xff;
constexpr unsigned kDeliveryModeShift = 8;
constexpr std::uint32_t kDeliveryMode = 7u << kDeliveryModeShift;
constexpr std::uint32_t kLogicalDestination = 1u << 11;
constexpr std::uint32_t kPolarity = 1u << 13;
constexpr std::uint32_t kLevelTriggered = 1u << 15;
constexpr std::uint32_t kMasked = 1u << 16;
constexpr std::uint32_t kWritable =
    kVector | kDeliveryMode | kLogicalDestination | kPolarity | kLevelTriggered | kMasked;

// The data sheet has four bits of destination; xAPICs have eight.
constexpr unsigned kDestinationShift = 24;
constexpr std::uint32_t kDestination = 0xffu << kDestinationShift;

constexpr std::uint32_t kFixed = 0;
constexpr std::uint32_t kLowestPriority = 1;

// Intel SDM vol. 3, 11.11.1.
constexpr std::uint64_t kMessageAddress = 0xfee0'0000;
constexpr unsigned kMessageDestinationShift = 12;
constexpr std::uint64_t kMessageLogicalDestination = 1u << 2;

}  // namespace

void RedirectionEntry::SetLow(std::uint32_t value) { low_ = value & kWritable; }
void RedirectionEntry::SetHigh(std::uint32_t value) { high_ = value & kDestination; }

std::optional<MsiMessage> RedirectionEntry::Message() const {
    const std::uint32_t mode = (low_ & kDeliveryMode) >> kDeliveryModeShift;
    if ((low_ & kMasked) != 0 || (mode != kFixed && mode != kLowestPriority)) return std::nullopt;
    const std::uint64_t destination = high_ >> kDestinationShift;
    MsiMessage message{.address = kMessageAddress | destination << kMessageDestinationShift,
                       .data = (low_ & kVector) | (low_ & kDeliveryMode)};
    if ((low_ & kLogicalDestination) != 0) message.address |= kMessageLogicalDestination;
    return message;
}

}  // namespace husk
