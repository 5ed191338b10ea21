#include "devices/host/device_wait.h"

namespace husk {

void DeviceWait::See(std::size_t end, std::span<const std::byte> written, std::uint64_t now) {
    Console& console = consoles_[end];
    if (over_ || console.seen >= kLooksAt) return;
    console.seen += written.size();
    for (const std::byte byte : written) {
        const char c = std::to_integer<char>(byte);
        for (std::size_t sign = 0; sign < kSigns.size(); ++sign) {
            std::uint8_t& matched = console.matched[sign];
            const std::string_view text = kSigns[sign].text;
            // No sign begins within another try of itself, but for its first letter.
            if (c == text[matched]) {
                ++matched;
            } else {
                matched = c == text[0] ? 1 : 0;
            }
            if (matched < text.size()) continue;
            matched = 0;
            OnSign(kSigns[sign].meaning, now);
        }
    }
}

void DeviceWait::OnSign(Meaning meaning, std::uint64_t now) {
    if (over_) return;
    switch (meaning) {
        case Meaning::kWaits:
            if (!deadline_) deadline_ = now + kPatience;
            return;
        case Meaning::kTimedOut:
            deadline_ = now;
            return;
        case Meaning::kOver:
            deadline_.reset();
            return;
    }
}

bool DeviceWait::TakeStall(std::uint64_t now) {
    if (over_ || !deadline_ || now < *deadline_) return false;
    over_ = true;
    deadline_.reset();
    return true;
}

}  // namespace husk
