#include "devices/host/escape_filter.h"

#include <cstdlib>

namespace husk {
namespace {

constexpr std::uint8_t kBell = 0x07;
constexpr std::uint8_t kCancel = 0x18;
constexpr std::uint8_t kSubstitute = 0x1a;
constexpr std::uint8_t kEscape = 0x1b;
constexpr std::uint8_t kDelete = 0x7f;
constexpr std::uint8_t kC1Lead = 0xc2;  // of U+0080 to U+009F in UTF-8, and of 32 characters that are none
constexpr std::uint8_t kUnknown = '?';

// C1, by the last byte of its two.
constexpr std::uint8_t kDeviceControlString = 0x90;
constexpr std::uint8_t kStartOfString = 0x98;
constexpr std::uint8_t kControlSequence = 0x9b;
constexpr std::uint8_t kStringTerminator = 0x9c;
constexpr std::uint8_t kOperatingSystemCommand = 0x9d;
constexpr std::uint8_t kPrivacyMessage = 0x9e;
constexpr std::uint8_t kApplicationCommand = 0x9f;

constexpr bool IsContinuation(std::uint8_t byte) { return (byte & 0xc0) == 0x80; }
constexpr bool IsC1(std::uint8_t last) { return last >= 0x80 && last <= 0x9f; }

// How many bytes the character has that begins with this one; 0: none does.
constexpr std::size_t LengthOf(std::uint8_t lead) {
    if (lead >= 0xc2 && lead <= 0xdf) return 2;
    if (lead >= 0xe0 && lead <= 0xef) return 3;
    if (lead >= 0xf0 && lead <= 0xf4) return 4;
    return 0;
}

// Shortest form only, no surrogates, nothing behind U+10FFFF: what the second byte may be.
constexpr bool MaySecondBe(std::uint8_t lead, std::uint8_t second) {
    if (!IsContinuation(second)) return false;
    if (lead == 0xe0) return second >= 0xa0;
    if (lead == 0xed) return second <= 0x9f;
    if (lead == 0xf0) return second >= 0x90;
    if (lead == 0xf4) return second <= 0x8f;
    return true;
}

}  // namespace

class EscapeSequenceFilter::Output {
 public:
    explicit Output(std::span<std::byte> room) : room_(room) {}
    void Put(std::uint8_t byte) {
        if (size_ == room_.size()) std::abort();  // the caller's room is too small
        room_[size_++] = std::byte{byte};
    }
    [[nodiscard]] std::size_t Size() const { return size_; }

 private:
    std::span<std::byte> room_;
    std::size_t size_ = 0;
};

std::size_t EscapeSequenceFilter::Filter(std::span<const std::byte> text, std::span<std::byte> plain) {
    Output out(plain);
    for (const std::byte byte : text) Feed(std::to_integer<std::uint8_t>(byte), out);
    return out.Size();
}

void EscapeSequenceFilter::Feed(std::uint8_t byte, Output& out) {
    switch (state_) {
        case State::kGround:
            return have_ > 0 ? FeedContinuation(byte, out) : FeedGround(byte, out);
        case State::kEscape:
            return FeedEscape(byte, out);
        case State::kSequence:
            return FeedSequence(byte, out);
        case State::kString:
            return FeedString(byte, out);
    }
}

void EscapeSequenceFilter::Begin(State state) {
    state_ = state;
    swallowed_ = 0;
    maybe_control_ = false;
}

void EscapeSequenceFilter::Put(std::uint8_t byte, Output& out) {
    if (return_ && byte != '\n') out.Put('\n');
    return_ = false;
    out.Put(byte);
}

void EscapeSequenceFilter::FeedGround(std::uint8_t byte, Output& out) {
    if (byte == kEscape) return Begin(State::kEscape);
    if (byte == '\r') {
        return_ = true;
    } else if (byte == '\n' || byte == '\t' || (byte >= ' ' && byte < kDelete)) {
        Put(byte, out);
    } else if (byte > kDelete) {
        want_ = LengthOf(byte);
        if (want_ == 0) return Put(kUnknown, out);
        character_[0] = byte;
        have_ = 1;
    }
}

void EscapeSequenceFilter::FeedContinuation(std::uint8_t byte, Output& out) {
    const bool fits = have_ == 1 ? MaySecondBe(character_[0], byte) : IsContinuation(byte);
    if (!fits) {  // one mark for the beginning of what is no character; the byte may begin the next one
        have_ = 0;
        Put(kUnknown, out);
        return FeedGround(byte, out);
    }
    character_[have_++] = byte;
    if (have_ < want_) return;
    have_ = 0;
    FeedCharacter(out);
}

void EscapeSequenceFilter::FeedCharacter(Output& out) {
    if (character_[0] != kC1Lead || !IsC1(character_[1])) {
        for (std::size_t i = 0; i < want_; ++i) Put(character_[i], out);
        return;
    }
    switch (character_[1]) {
        case kControlSequence:
            return Begin(State::kSequence);
        case kDeviceControlString:
        case kStartOfString:
        case kOperatingSystemCommand:
        case kPrivacyMessage:
        case kApplicationCommand:
            return Begin(State::kString);
        default:
            return;
    }
}

void EscapeSequenceFilter::FeedEscape(std::uint8_t byte, Output& out) {
    if (swallowed_++ == 0) {  // right behind ESC
        if (byte == '[') return Begin(State::kSequence);
        if (byte == ']' || byte == 'P' || byte == 'X' || byte == '^' || byte == '_') return Begin(State::kString);
    }
    if (byte == kEscape) return Begin(State::kEscape);
    const bool goes_on = byte >= 0x20 && byte <= 0x2f && swallowed_ < kSequenceMax;
    if (goes_on) return;
    Begin(State::kGround);
    // Whatever a sequence cannot contain has ended it, and stands for itself.
    if (byte < 0x20 || byte > kDelete) FeedGround(byte, out);
}

void EscapeSequenceFilter::FeedSequence(std::uint8_t byte, Output& out) {
    if (byte == kEscape) return Begin(State::kEscape);
    const bool goes_on = byte >= 0x20 && byte <= 0x3f && ++swallowed_ < kSequenceMax;
    if (goes_on) return;
    Begin(State::kGround);
    if (byte < 0x20 || byte > kDelete) FeedGround(byte, out);
}

// A string is whatever stands in it, but its terminator: ESC \, the C1 character, or BEL, as xterm has it. Many that
// end in another way are known to terminals; here the end of the line is one more.
void EscapeSequenceFilter::FeedString(std::uint8_t byte, Output& out) {
    if (byte == kEscape) return Begin(State::kEscape);  // of ESC \, or of the next sequence
    const bool terminated = byte == kBell || byte == kCancel || byte == kSubstitute ||
                            (maybe_control_ && byte == kStringTerminator) || ++swallowed_ == kStringMax;
    if (terminated) return Begin(State::kGround);
    if (byte == '\n') {
        Begin(State::kGround);
        return FeedGround(byte, out);
    }
    maybe_control_ = byte == kC1Lead;
}

}  // namespace husk
