// Paths and texts of strangers.
#include "boot/nixos/volumes/names.h"

#include <gtest/gtest.h>

namespace husk {
namespace {

std::string Printable(std::string_view text) { return PrintableText(std::as_bytes(std::span(text))); }

TEST(Names, PathsAreSplitAtAnyNumberOfSlashes) {
    const std::vector<std::string_view> expected = {"boot", "nix", "a...b"};
    EXPECT_EQ(SplitPath("/boot//nix/./a...b/").value(), expected);
    EXPECT_TRUE(SplitPath("/").value().empty());
}

TEST(Names, ParentIsRefusedWhereverItIs) {
    EXPECT_FALSE(SplitPath("/.."));
    EXPECT_FALSE(SplitPath("/a/../b"));
    EXPECT_FALSE(SplitPath(""));
    EXPECT_FALSE(SplitPath("a"));
}

TEST(Names, OnlyAsciiLettersAreAlike) {
    EXPECT_TRUE(EqualsIgnoringCase("Loader-1.CONF", "lOADER-1.conf"));
    EXPECT_FALSE(EqualsIgnoringCase("a", "ab"));
    EXPECT_FALSE(EqualsIgnoringCase("[", "{"));
    EXPECT_FALSE(EqualsIgnoringCase("Ä", "ä"));
}

TEST(Names, TextsEndAtTheFirstNulAndLoseTheirLastSpaces) {
    EXPECT_EQ(Printable(std::string_view("nix os  \0more", 13)), "nix os");
    EXPECT_EQ(Printable("    "), "");
}

TEST(Names, WellFormedUtf8IsKept) { EXPECT_EQ(Printable("ä€漢😀\U0010FFFF"), "ä€漢😀\U0010FFFF"); }

TEST(Names, ControlCharactersAndIllFormedUtf8BecomeQuestionMarks) {
    EXPECT_EQ(Printable("a\x1b\x7f\n"), "a???");
    EXPECT_EQ(Printable("\xc0\xaf"), "??");            // overlong
    EXPECT_EQ(Printable("\xe0\x80\xaf"), "???");       // overlong
    EXPECT_EQ(Printable("\xed\xa0\x80"), "???");       // a surrogate
    EXPECT_EQ(Printable("\xf4\x90\x80\x80"), "????");  // beyond the last
    EXPECT_EQ(Printable("x\xe2\x82"), "x??");          // cut
}

TEST(Names, Utf16BecomesUtf8) {
    EXPECT_EQ(Utf8FromUtf16(u"aä€😀"), "aä€😀");
    EXPECT_EQ(Utf8FromUtf16(u"\xdc00\xd800x\xd800"), "\ufffd\ufffdx\ufffd");
}

}  // namespace
}  // namespace husk
