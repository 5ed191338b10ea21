// What is left of a guest's output in a log.
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "devices/host/escape_filter.h"

namespace husk {
namespace {

std::string Feed(EscapeSequenceFilter& filter, std::string_view text) {
    std::string plain(text.size() + EscapeSequenceFilter::kHeldBack, '\0');
    plain.resize(filter.Filter(std::as_bytes(std::span(text)), std::as_writable_bytes(std::span(plain))));
    return plain;
}

// Whole, and byte by byte: both must give the same.
std::string Plain(std::string_view text) {
    EscapeSequenceFilter whole;
    EscapeSequenceFilter split;
    std::string pieces;
    for (const char byte : text) pieces += Feed(split, std::string_view(&byte, 1));
    const std::string plain = Feed(whole, text);
    EXPECT_EQ(pieces, plain);
    return plain;
}

TEST(EscapeFilter, TextLinesAndTabsPass) { EXPECT_EQ(Plain("a\tb c~\nd"), "a\tb c~\nd"); }

TEST(EscapeFilter, ControlSequencesGo) {
    EXPECT_EQ(Plain("\x1b[1;31mred\x1b[0m \x1b[2J\x1b[?25l\x1b[>0q\x1b[1 qend"), "red end");
}

TEST(EscapeFilter, StringsGoWithWhatTheyCarry) {
    EXPECT_EQ(Plain("a\x1b]0;title\x07"
                    "b\x1b]52;c;cm0=\x1b\\c"),
              "abc");
    EXPECT_EQ(Plain("a\x1bPq#0\x1b\\b\x1bXsos\x1b\\c\x1b^pm\x1b\\d\x1b_apc\x1b\\e"), "abcde");
}

TEST(EscapeFilter, ShortSequencesGo) {
    EXPECT_EQ(Plain("a\x1b"
                    "cb\x1b(0c\x1b=d\x1b%Ge\x1b#8f"),
              "abcdef");
}

TEST(EscapeFilter, ControlsOfC1GoInUtf8) {
    EXPECT_EQ(Plain("a\xc2\x9b"
                    "31mb\xc2\x9d"
                    "0;t\xc2\x9c"
                    "c\xc2\x90q\x1b\\d\xc2\x85"
                    "e"),
              "abcde");
}

TEST(EscapeFilter, BareBytesOfC1AreNoCharactersAndShowAsSuch) {
    EXPECT_EQ(Plain("a\x9b"
                    "31mb"),
              "a?31mb");
}

TEST(EscapeFilter, OtherControlsGo) {
    EXPECT_EQ(Plain(std::string_view("a\0b\x07"
                                     "c\x08"
                                     "d\x0b"
                                     "e\x0c"
                                     "f\x0e"
                                     "g\x7f"
                                     "h",
                                     15)),
              "abcdefgh");
}

TEST(EscapeFilter, ReturnsBecomeLines) {
    EXPECT_EQ(Plain("one\r\ntwo\r\r\nthree"), "one\ntwo\nthree");
    EXPECT_EQ(Plain("10%\r20%\r\n"), "10%\n20%\n");
    EXPECT_EQ(Plain("a\r\x1b[Kb"), "a\nb");
}

TEST(EscapeFilter, WellFormedUtf8Passes) {
    const std::string text = "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\x9a \xc2\xa0|\xe2\x94\x82";
    EXPECT_EQ(Plain(text), text);
}

TEST(EscapeFilter, IllFormedUtf8IsMarked) {
    EXPECT_EQ(Plain("\xc3(\xe2\x82"
                    "A\xff\xc0\xaf\xed\xa0\x80\xf4\x90\x80\x80."),
              "?(?A???"
              "???"
              "????.");
    EXPECT_EQ(Plain("\xe2\x82\x1b[31mx"), "?x");
}

TEST(EscapeFilter, SequenceEndsWithItsLine) {
    EXPECT_EQ(Plain("\x1b]0;died here\nkernel: panic\n"), "\nkernel: panic\n");
    EXPECT_EQ(Plain("\x1b[31\nnext"), "\nnext");
    EXPECT_EQ(Plain("\x1b\nnext"), "\nnext");
}

TEST(EscapeFilter, SequenceWithoutAnEndHidesNoMoreThanTheBound) {
    const std::string string(2 * EscapeSequenceFilter::kStringMax, 'x');
    EXPECT_EQ(Plain("\x1b]" + string).size(), string.size() - EscapeSequenceFilter::kStringMax);
    const std::string parameters(2 * EscapeSequenceFilter::kSequenceMax, '1');
    EXPECT_EQ(Plain("\x1b[" + parameters).size(), parameters.size() - EscapeSequenceFilter::kSequenceMax);
}

TEST(EscapeFilter, SequenceWithinASequenceBeginsAnew) {
    EXPECT_EQ(Plain("a\x1b]0;x\x1b[31mb\x1b\x1b\x1b[1mc\x1bP\x1b\x1b\\d"), "abcd");
}

TEST(EscapeFilter, CancelEndsAString) { EXPECT_EQ(Plain("\x1b]0;x\x18y\x1bPx\x1az"), "yz"); }

}  // namespace
}  // namespace husk
