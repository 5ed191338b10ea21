#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "vmm/roles/mailbox.h"

namespace husk {
namespace {

TEST(Messages, EncodedMessageDecodesAsItsType) {
    GuestEnded sent;
    sent.reason = GuestEnded::Reason::kTripleFault;
    sent.which = 3;
    const auto got = MessageBuffer::Encode(sent).As<GuestEnded>();
    ASSERT_TRUE(got);
    EXPECT_EQ(got->reason, GuestEnded::Reason::kTripleFault);
    EXPECT_EQ(got->which, 3u);
}

TEST(Messages, LargestMessageFitsTheBuffer) {
    VmmConfig sent;
    sent.command_line.Assign(std::string(kMaxCommandLine, 'c'));
    sent.name.Assign("vm");
    const auto got = MessageBuffer::Encode(sent).As<VmmConfig>();
    ASSERT_TRUE(got);
    EXPECT_EQ(got->command_line.View(), std::string(kMaxCommandLine, 'c'));
    EXPECT_EQ(got->name.View(), "vm");
}

TEST(Messages, AnotherTypeIsRefused) {
    const MessageBuffer buffer = MessageBuffer::Encode(Go{});
    EXPECT_TRUE(buffer.As<Go>());
    EXPECT_FALSE(buffer.As<Stop>());  // of the same size
    EXPECT_FALSE(buffer.As<GuestEnded>());
}

TEST(Messages, AnotherSizeIsRefused) {
    MessageBuffer buffer = MessageBuffer::Encode(Failed{});
    const std::size_t right = buffer.size;
    buffer.size = right - 1;
    EXPECT_FALSE(buffer.As<Failed>());
    buffer.size = right + 1;
    EXPECT_FALSE(buffer.As<Failed>());
    buffer.size = buffer.bytes.size();
    EXPECT_FALSE(buffer.As<Failed>());
}

TEST(Messages, MessageWithoutAWholeTypeIsNone) {
    MessageBuffer buffer = MessageBuffer::Encode(Go{});
    buffer.size = 7;
    EXPECT_FALSE(buffer.As<Go>());
    buffer.size = 0;
    EXPECT_FALSE(buffer.As<Go>());
}

TEST(Messages, TypeIsComparedInFull) {
    MessageBuffer buffer = MessageBuffer::Encode(Go{});
    buffer.bytes[7] = std::byte{1};
    EXPECT_FALSE(buffer.As<Go>());
}

// --- Text of a fixed size ---

TEST(FixedText, KeepsWhatFits) {
    FixedText<4> text;
    text.Assign("abc");
    EXPECT_EQ(text.View(), "abc");
    text.Assign("abcdef");
    EXPECT_EQ(text.View(), "abcd");
    text.Assign("");
    EXPECT_EQ(text.View(), "");
}

TEST(FixedText, LengthThatLiesIsCutToTheCapacity) {
    FixedText<4> text;
    text.Assign("abcd");
    text.length = 0xffff'ffff;
    EXPECT_EQ(text.View(), "abcd");
    text.length = 5;
    EXPECT_EQ(text.View().size(), 4u);
}

// --- Typed sending and receiving ---

TEST(Mailbox, ExpectedMessageArrives) {
    const auto ends = Channel::CreatePair();
    ASSERT_TRUE(ends);
    ConsoleAsks asks;
    asks.what = ConsoleAsks::What::kKill;
    ASSERT_TRUE(SendMessage(ends->first, asks));
    const auto got = Expect<ConsoleAsks>(ends->second);
    ASSERT_TRUE(got);
    EXPECT_EQ(got->first.what, ConsoleAsks::What::kKill);
    EXPECT_FALSE(got->second);
}

TEST(Mailbox, AnythingElseIsAnError) {
    const auto ends = Channel::CreatePair();
    ASSERT_TRUE(ends);
    ASSERT_TRUE(SendMessage(ends->first, Stop{}));
    const auto got = Expect<Go>(ends->second);
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().Message(), "the other role sent something unexpected");
}

TEST(Mailbox, PeerThatIsGoneIsAnError) {
    auto ends = Channel::CreatePair();
    ASSERT_TRUE(ends);
    {
        const Channel closed = std::move(ends->first);
    }
    const auto got = Expect<Go>(ends->second);
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().Message(), "the other role is gone");
}

}  // namespace
}  // namespace husk
