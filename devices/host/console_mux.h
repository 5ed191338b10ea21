// ConsoleMux: both console ends of the guest, the UART (ttyS0) and hvc0, on one host console. Pure: what is shown, and
// who gets the keys.
//
// Shown: the UART as it is, until the guest first writes to hvc0. From then on hvc0 as it is, and the UART line by line
// behind a prefix. Nothing waits for the end of a line: whoever writes into another's unfinished line begins a new one.
//
// Keys go to one end at a time, and only a person's Ctrl-] s moves them, so that a passphrase never ends at a prompt
// that echoes. The one exception: when hvc0 goes away, the UART is all there is. Then the rest of a line that was begun
// for hvc0 is swallowed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "devices/host/output_buffer.h"

namespace husk {

enum class ConsoleEnd : std::uint8_t { kUart, kHvc };

class ConsoleMux {
 public:
    struct Rules {
        bool uart = true;          // the machine has a UART; without, hvc0 gets the keys from the start
        bool interactive = false;  // a person at a terminal, who can be told things
    };
    explicit ConsoleMux(Rules rules) : rules_(rules), keys_(rules.uart ? ConsoleEnd::kUart : ConsoleEnd::kHvc) {}

    // --- What is shown

    // How many bytes of `end` Show() takes for certain. Never 0 with kRoomNeeded bytes of room on the screen.
    [[nodiscard]] std::size_t Takes(ConsoleEnd end, const OutputBuffer& screen) const;
    // Shows the beginning of what `end` wrote, as far as there is room, and says how many bytes that was.
    std::size_t Show(ConsoleEnd end, std::span<const std::byte> written, OutputBuffer& screen);
    // Whose unfinished line is on the screen: who goes on leaves it whole.
    [[nodiscard]] ConsoleEnd LineOf() const { return line_ == Line::kHvc ? ConsoleEnd::kHvc : ConsoleEnd::kUart; }
    // Shows what husk itself has to say, as far as there is room; the rest at the next call.
    void Tell(OutputBuffer& screen);

    // Room that is kept for husk's own words, and room with which both ends get on.
    static constexpr std::size_t kOwnRoom = 1024;
    static constexpr std::size_t kRoomNeeded = kOwnRoom + 256;

    // --- Who gets the keys

    [[nodiscard]] ConsoleEnd Keys() const { return keys_; }
    // What of the typed bytes is to be given to Keys(): all, or what follows a swallowed line.
    [[nodiscard]] std::span<const std::byte> Admit(std::span<const std::byte> typed);
    // A person asks for the other end.
    void Switch(bool hvc_lives);
    // The driver of hvc0 reset it, or broke it.
    void HvcDied();
    // A person asks what can be typed.
    void AskHelp() { help_due_ = true; }

 private:
    enum class Line : std::uint8_t { kNone, kUart, kHvc };  // whose unfinished line the cursor is in
    enum class Notice : std::uint8_t { kNone, kKeysMoved, kOneEnd, kHvcGone };

    void BreakLine(OutputBuffer& screen);
    void ShowOwn(std::string_view text, OutputBuffer& screen);
    void ShowPlain(Line line, std::span<const std::byte> written, OutputBuffer& screen);
    std::size_t ShowPrefixed(std::span<const std::byte> written, OutputBuffer& screen);
    [[nodiscard]] std::string_view NoticeText() const;

    Rules rules_;
    Line line_ = Line::kNone;
    bool hvc_wrote_ = false;
    bool prefix_due_ = true;  // the next byte of the UART begins a line
    ConsoleEnd keys_;
    bool hvc_line_open_ = false;  // keys went to hvc0 since the last Enter
    bool swallow_line_ = false;
    bool help_due_ = false;
    Notice notice_due_ = Notice::kNone;  // the newest: it says how things are now
};

}  // namespace husk
