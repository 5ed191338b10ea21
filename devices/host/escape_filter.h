// EscapeSequenceFilter: what a guest prints, as plain text. A log is read with cat, less and grep on somebody's
// terminal, and whoever writes the log must not be able to reprogram that terminal: retitle it, paste into it, move the
// cursor over lines that were there. Pure; the guest chooses every byte.
//
// What passes is well-formed UTF-8 without controls, line feed and tab excepted. Removed are whole escape sequences
// (CSI, OSC, DCS, SOS, PM, APC and the short ones, begun by ESC or by the one character of C1 that stands for it), all
// other controls of C0 and C1, and DEL. A carriage return before a line feed goes; one that stands alone becomes a line
// feed, so that what it would have overwritten stays. What is not UTF-8 becomes a question mark.
//
// A sequence ends at the latest with its line, or after a bound: a program that dies in the middle of one, or a guest
// that never ends one, hides no more than that. Sequences and characters may be split over calls.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace husk {

class EscapeSequenceFilter {
 public:
    // How many bytes more than it was given a call can put out: what earlier ones held back.
    static constexpr std::size_t kHeldBack = 4;
    // Bytes of a sequence that are swallowed at most.
    static constexpr std::size_t kSequenceMax = 256;
    static constexpr std::size_t kStringMax = 4096;

    // Puts what is left of `text` into `plain`, which has room for kHeldBack bytes more, and says how much that is.
    [[nodiscard]] std::size_t Filter(std::span<const std::byte> text, std::span<std::byte> plain);

 private:
    enum class State : std::uint8_t {
        kGround,
        kEscape,    // behind ESC, and intermediate bytes
        kSequence,  // in a control sequence (CSI): parameters, until its final byte
        kString,    // in a control string (OSC, DCS, SOS, PM, APC), until its terminator
    };
    class Output;

    void Feed(std::uint8_t byte, Output& out);
    void FeedGround(std::uint8_t byte, Output& out);
    void FeedContinuation(std::uint8_t byte, Output& out);
    void FeedCharacter(Output& out);
    void FeedEscape(std::uint8_t byte, Output& out);
    void FeedSequence(std::uint8_t byte, Output& out);
    void FeedString(std::uint8_t byte, Output& out);
    void Begin(State state);
    void Put(std::uint8_t byte, Output& out);

    State state_ = State::kGround;
    bool return_ = false;                      // a carriage return, and what follows is not known yet
    bool maybe_control_ = false;               // in a string: the first byte of a C1 character in UTF-8
    std::size_t swallowed_ = 0;                // of the sequence
    std::array<std::uint8_t, 4> character_{};  // the beginning of a character of several bytes
    std::size_t have_ = 0;                     // so much of it
    std::size_t want_ = 0;                     // bytes it has
};

}  // namespace husk
