// EscapeFilter: Ctrl-] on the terminal talks to husk instead of the guest. Pure: one byte in, what it means out.
#pragma once

#include <cstdint>

namespace husk {

inline constexpr std::uint8_t kEscapeByte = 0x1d;  // Ctrl-]

struct EscapeResult {
    enum class Kind : std::uint8_t {
        kData,     // `byte` goes to the guest
        kNothing,  // the escape began
        kQuit,     // press the power button
        kKill,     // end the VM at once
        kSwitch,   // move the keys to the guest's other console end
        kHelp,     // say what can be typed
    } kind;
    std::uint8_t byte = 0;
};

class EscapeFilter {
 public:
    EscapeResult Feed(std::uint8_t byte) {
        using Kind = EscapeResult::Kind;
        if (!pending_) {
            pending_ = byte == kEscapeByte;
            return pending_ ? EscapeResult{Kind::kNothing} : EscapeResult{Kind::kData, byte};
        }
        pending_ = false;
        switch (byte) {
            case kEscapeByte:
                return {Kind::kData, kEscapeByte};  // typed twice: once for the guest
            case 'q':
                return {Kind::kQuit};
            case 'k':
                return {Kind::kKill};
            case 's':
                return {Kind::kSwitch};
            default:
                return {Kind::kHelp};
        }
    }

 private:
    bool pending_ = false;
};

}  // namespace husk
