#include "devices/host/console_mux.h"

#include <algorithm>

namespace husk {
namespace {

constexpr std::string_view kPrefix = "ttyS0| ";
constexpr std::string_view kBreak = "\r\n";

constexpr std::string_view kHelp =
    "husk: Ctrl-] q  press the guest's power button (again: end the VM)\r\n"
    "husk: Ctrl-] k  end the VM at once\r\n"
    "husk: Ctrl-] s  type into the guest's other console (ttyS0 or hvc0)\r\n"
    "husk: Ctrl-] Ctrl-]  send Ctrl-] to the guest\r\n";
constexpr std::string_view kHvcThere = "husk: hvc0 is there too; Ctrl-] s types into it\r\n";
constexpr std::string_view kKeysToUart = "husk: keys go to ttyS0 now\r\n";
constexpr std::string_view kKeysToHvc = "husk: keys go to hvc0 now\r\n";
constexpr std::string_view kNoHvc = "husk: there is no hvc0; keys go to ttyS0\r\n";
constexpr std::string_view kNoUart = "husk: there is no ttyS0; keys go to hvc0\r\n";
constexpr std::string_view kHvcGone = "husk: hvc0 is gone; keys go to ttyS0 again\r\n";
constexpr std::string_view kHvcGoneMidLine = "husk: hvc0 is gone; after Enter, keys go to ttyS0 again\r\n";

// The most that one byte of the UART, and the beginning of what hvc0 wrote, can become more.
constexpr std::size_t kBesideOneByte = kBreak.size() + kPrefix.size();
constexpr std::size_t kBeforeHvc = 2 * kBreak.size() + kHvcThere.size();

static_assert(kHelp.size() + 2 * kBreak.size() + kHvcGoneMidLine.size() <= ConsoleMux::kOwnRoom);
static_assert(ConsoleMux::kRoomNeeded - ConsoleMux::kOwnRoom > std::max(kBesideOneByte, kBeforeHvc));

bool IsLineFeed(std::byte byte) { return byte == std::byte{'\n'}; }
bool IsReturn(std::byte byte) { return byte == std::byte{'\r'}; }

// Enter, and Ctrl-C: what is typed next is something new.
bool EndsTypedLine(std::byte byte) { return IsReturn(byte) || IsLineFeed(byte) || byte == std::byte{0x03}; }

// What the guest's output may fill.
std::size_t GuestRoom(const OutputBuffer& screen) {
    return screen.Room() - std::min(screen.Room(), ConsoleMux::kOwnRoom);
}

}  // namespace

// --- What is shown

std::size_t ConsoleMux::Takes(ConsoleEnd end, const OutputBuffer& screen) const {
    const std::size_t room = GuestRoom(screen);
    if (end == ConsoleEnd::kHvc) return room - std::min(room, kBeforeHvc);
    return hvc_wrote_ ? room / (kBesideOneByte + 1) : room;
}

std::size_t ConsoleMux::Show(ConsoleEnd end, std::span<const std::byte> written, OutputBuffer& screen) {
    if (end == ConsoleEnd::kUart && hvc_wrote_) return ShowPrefixed(written, screen);
    const auto shown = written.first(std::min(written.size(), Takes(end, screen)));
    if (shown.empty()) return 0;
    if (end == ConsoleEnd::kUart) {
        ShowPlain(Line::kUart, shown, screen);
        return shown.size();
    }
    if (!hvc_wrote_ && rules_.interactive && keys_ == ConsoleEnd::kUart) ShowOwn(kHvcThere, screen);
    hvc_wrote_ = true;
    if (line_ == Line::kUart) BreakLine(screen);
    ShowPlain(Line::kHvc, shown, screen);
    return shown.size();
}

void ConsoleMux::ShowPlain(Line line, std::span<const std::byte> written, OutputBuffer& screen) {
    screen.Append(written);
    // Carriage returns neither begin nor end a line: after "50%\r" the line is still there.
    const auto last = std::ranges::find_if_not(written.rbegin(), written.rend(), IsReturn);
    if (last != written.rend()) line_ = IsLineFeed(*last) ? Line::kNone : line;
}

// A carriage return leads back to where the prefix belongs: it is put there again, so that columns stay what the guest
// takes them for. Empty lines get none.
std::size_t ConsoleMux::ShowPrefixed(std::span<const std::byte> written, OutputBuffer& screen) {
    std::size_t shown = 0;
    while (shown < written.size()) {
        const std::size_t room = GuestRoom(screen);
        if (room <= kBesideOneByte) break;
        if (line_ == Line::kHvc) BreakLine(screen);
        const auto rest = written.subspan(shown);
        if (IsReturn(rest.front()) || IsLineFeed(rest.front())) {
            if (IsLineFeed(rest.front())) line_ = Line::kNone;
            prefix_due_ = true;
            screen.Append(rest.first(1));
            ++shown;
            continue;
        }
        if (prefix_due_) screen.Append(kPrefix);
        prefix_due_ = false;
        line_ = Line::kUart;
        const auto within = rest.first(std::min(rest.size(), room - kBesideOneByte));
        const auto end = std::ranges::find_if(within, [](std::byte b) { return IsReturn(b) || IsLineFeed(b); });
        const auto text = within.first(static_cast<std::size_t>(end - within.begin()));
        screen.Append(text);
        shown += text.size();
    }
    return shown;
}

void ConsoleMux::BreakLine(OutputBuffer& screen) {
    screen.Append(kBreak);
    line_ = Line::kNone;
    prefix_due_ = true;
}

void ConsoleMux::ShowOwn(std::string_view text, OutputBuffer& screen) {
    if (line_ != Line::kNone) BreakLine(screen);
    screen.Append(text);
}

void ConsoleMux::Tell(OutputBuffer& screen) {
    if (help_due_ && screen.Room() >= kBreak.size() + kHelp.size()) {
        ShowOwn(kHelp, screen);
        help_due_ = false;
    }
    const std::string_view text = NoticeText();
    if (!text.empty() && screen.Room() >= kBreak.size() + text.size()) {
        ShowOwn(text, screen);
        notice_due_ = Notice::kNone;
    }
}

std::string_view ConsoleMux::NoticeText() const {
    switch (notice_due_) {
        case Notice::kNone:
            break;
        case Notice::kKeysMoved:
            return keys_ == ConsoleEnd::kUart ? kKeysToUart : kKeysToHvc;
        case Notice::kOneEnd:
            return keys_ == ConsoleEnd::kUart ? kNoHvc : kNoUart;
        case Notice::kHvcGone:
            return swallow_line_ ? kHvcGoneMidLine : kHvcGone;
    }
    return {};
}

// --- Who gets the keys

std::span<const std::byte> ConsoleMux::Admit(std::span<const std::byte> typed) {
    if (keys_ == ConsoleEnd::kHvc) {
        if (!typed.empty()) hvc_line_open_ = !EndsTypedLine(typed.back());
        return typed;
    }
    if (!swallow_line_) return typed;
    const auto end = std::ranges::find_if(typed, EndsTypedLine);
    if (end == typed.end()) return {};
    swallow_line_ = false;
    return {end + 1, typed.end()};
}

void ConsoleMux::Switch(bool hvc_lives) {
    const bool possible = rules_.uart && (hvc_lives || keys_ == ConsoleEnd::kHvc);
    notice_due_ = possible ? Notice::kKeysMoved : Notice::kOneEnd;
    if (!possible) return;
    keys_ = keys_ == ConsoleEnd::kUart ? ConsoleEnd::kHvc : ConsoleEnd::kUart;
    swallow_line_ = hvc_line_open_ = false;
}

void ConsoleMux::HvcDied() {
    if (!rules_.uart || keys_ == ConsoleEnd::kUart) return;
    keys_ = ConsoleEnd::kUart;
    swallow_line_ = hvc_line_open_;
    hvc_line_open_ = false;
    notice_due_ = Notice::kHvcGone;
}

}  // namespace husk
