// Ctrl-] on the terminal: what is a command, and what is the guest's.
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "devices/host/escape.h"

namespace husk {
namespace {

struct Filtered {
    std::string data;
    std::vector<EscapeResult::Kind> commands;
};

Filtered Feed(EscapeFilter& filter, std::string_view typed) {
    Filtered result;
    for (const char c : typed) {
        const EscapeResult fed = filter.Feed(static_cast<std::uint8_t>(c));
        const bool is_data = fed.kind == EscapeResult::Kind::kData;
        result.data.append(is_data, static_cast<char>(fed.byte));
        result.commands.insert(result.commands.end(), !is_data, fed.kind);
    }
    return result;
}

TEST(EscapeFilter, OrdinaryBytesPass) {
    EscapeFilter filter;
    const Filtered result = Feed(filter, std::string_view("ls -l\r\x03\x00\xff", 9));
    EXPECT_EQ(result.data, std::string_view("ls -l\r\x03\x00\xff", 9));
    EXPECT_TRUE(result.commands.empty());
}

TEST(EscapeFilter, CommandsAreSwallowed) {
    using Kind = EscapeResult::Kind;
    EscapeFilter filter;
    const Filtered result = Feed(filter, "a\x1dqb\x1dkc\x1dxd");
    EXPECT_EQ(result.data, "abcd");
    EXPECT_EQ(result.commands,
              (std::vector{Kind::kNothing, Kind::kQuit, Kind::kNothing, Kind::kKill, Kind::kNothing, Kind::kHelp}));
}

TEST(EscapeFilter, SwitchIsACommand) {
    using Kind = EscapeResult::Kind;
    EscapeFilter filter;
    const Filtered result = Feed(filter, "s\x1dss");
    EXPECT_EQ(result.data, "ss");
    EXPECT_EQ(result.commands, (std::vector{Kind::kNothing, Kind::kSwitch}));
}

TEST(EscapeFilter, EscapeTypedTwiceIsSentOnce) {
    EscapeFilter filter;
    EXPECT_EQ(Feed(filter, "\x1d\x1dq").data, "\x1dq");
}

TEST(EscapeFilter, EscapeIsRememberedBetweenReads) {
    EscapeFilter filter;
    Feed(filter, "\x1d");
    EXPECT_EQ(Feed(filter, "q").commands, std::vector{EscapeResult::Kind::kQuit});
}

}  // namespace
}  // namespace husk
