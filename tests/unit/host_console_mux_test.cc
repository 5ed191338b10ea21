// Both console ends on one screen, byte by byte; and who gets the keys.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>

#include "devices/host/console_mux.h"

namespace husk {
namespace {

std::span<const std::byte> Bytes(std::string_view text) { return std::as_bytes(std::span(text)); }
std::string Text(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

constexpr std::string_view kThere = "husk: hvc0 is there too; Ctrl-] s types into it\r\n";

class Screen {
 public:
    explicit Screen(ConsoleMux::Rules rules) : mux(rules) {}

    Screen& Uart(std::string_view text) {
        EXPECT_EQ(mux.Show(ConsoleEnd::kUart, Bytes(text), *buffer), text.size());
        return *this;
    }
    Screen& Hvc(std::string_view text) {
        EXPECT_EQ(mux.Show(ConsoleEnd::kHvc, Bytes(text), *buffer), text.size());
        return *this;
    }
    Screen& Tell() {
        mux.Tell(*buffer);
        return *this;
    }
    // What was shown since the last time.
    std::string Shown() {
        std::string all;
        while (!buffer->Empty()) {
            all += Text(buffer->Peek());
            buffer->Consume(buffer->Peek().size());
        }
        return all;
    }
    std::string Admitted(std::string_view typed) { return Text(mux.Admit(Bytes(typed))); }

    std::unique_ptr<OutputBuffer> buffer = std::make_unique<OutputBuffer>();
    ConsoleMux mux;
};

Screen Pipe() { return Screen({.uart = true, .interactive = false}); }
Screen Terminal() { return Screen({.uart = true, .interactive = true}); }

// --- What is shown

TEST(ConsoleMux, UartIsShownAsItIsUntilHvcWrites) {
    EXPECT_EQ(Pipe().Uart("a\r\nb").Uart("\n\rc\0d").Uart("\x1b[1m").Shown(), "a\r\nb\n\rc\x1b[1m");
}

TEST(ConsoleMux, UartBytesAreNotInterpretedUntilHvcWrites) {
    const std::string_view odd("\0\xff\r\r\n\n\x1b", 7);
    EXPECT_EQ(Pipe().Uart(odd).Shown(), odd);
}

TEST(ConsoleMux, HvcIsShownAsItIs) {
    const std::string_view odd("\r\nlogin: \0\xff\n\r\x1b[2J", 17);
    EXPECT_EQ(Pipe().Hvc(odd).Hvc("x").Shown(), std::string(odd) + "x");
}

TEST(ConsoleMux, UartLinesArePrefixedOnceHvcWrote) {
    EXPECT_EQ(Pipe().Uart("boot\r\n").Hvc("hi\r\n").Uart("one\r\ntwo\r\n").Shown(),
              "boot\r\nhi\r\nttyS0| one\r\nttyS0| two\r\n");
}

TEST(ConsoleMux, UnfinishedUartLineIsBrokenByHvc) {
    EXPECT_EQ(Pipe().Uart("Passphrase: ").Hvc("hi\r\n").Shown(), "Passphrase: \r\nhi\r\n");
}

TEST(ConsoleMux, UnfinishedHvcLineIsBrokenByUart) {
    EXPECT_EQ(Pipe().Hvc("login: ").Uart("panic\r\n").Hvc("x").Shown(), "login: \r\nttyS0| panic\r\nx");
}

TEST(ConsoleMux, PartialUartLineIsVisibleAtOnceAndGoesOnWithoutAPrefix) {
    Screen screen = Pipe();
    screen.Hvc("\n").Shown();
    EXPECT_EQ(screen.Uart("pan").Shown(), "ttyS0| pan");
    EXPECT_EQ(screen.Uart("ic\n").Shown(), "ic\n");
    EXPECT_EQ(screen.Uart("!").Shown(), "ttyS0| !");
}

TEST(ConsoleMux, InterruptedUartLineGoesOnBehindAPrefix) {
    EXPECT_EQ(Pipe().Hvc("\n").Uart("pa").Hvc("login: ").Uart("nic\n").Shown(),
              "\nttyS0| pa\r\nlogin: \r\nttyS0| nic\n");
}

TEST(ConsoleMux, PrefixedLineByteByByteIsTheSame) {
    Screen screen = Pipe();
    screen.Hvc("x");
    for (const char c : std::string_view("ab\r\n\r\ncd\r\n")) screen.Uart({&c, 1});
    EXPECT_EQ(screen.Shown(), "x\r\nttyS0| ab\r\n\r\nttyS0| cd\r\n");
}

TEST(ConsoleMux, CarriageReturnPutsThePrefixThereAgain) {
    EXPECT_EQ(Pipe().Hvc("\n").Uart("10%\r20%\r").Uart("\x1b[K").Shown(), "\nttyS0| 10%\rttyS0| 20%\rttyS0| \x1b[K");
}

TEST(ConsoleMux, LineAfterACarriageReturnIsStillUnfinished) {
    EXPECT_EQ(Pipe().Hvc("50%\r").Uart("x\n").Shown(), "50%\r\r\nttyS0| x\n");
    EXPECT_EQ(Pipe().Hvc("\n").Uart("50%\r").Hvc("x").Shown(), "\nttyS0| 50%\r\r\nx");
}

TEST(ConsoleMux, CarriageReturnsAfterALineFeedBeginNoLine) {
    EXPECT_EQ(Pipe().Hvc("a\n\r").Uart("b\n\r").Hvc("c").Shown(), "a\n\rttyS0| b\n\rc");
    EXPECT_EQ(Pipe().Hvc("a\n").Hvc("\r").Uart("b").Shown(), "a\n\rttyS0| b");
}

TEST(ConsoleMux, HvcThatWritesNothingChangesNothing) {
    EXPECT_EQ(Terminal().Uart("a").Hvc("").Uart("b\nc").Shown(), "ab\nc");
}

TEST(ConsoleMux, OneNoticeOnATerminalWhenHvcFirstWrites) {
    EXPECT_EQ(Terminal().Uart("Passphrase: ").Hvc("hi").Uart("\n").Hvc("again").Shown(),
              "Passphrase: \r\n" + std::string(kThere) + "hi\r\n\nagain");
}

TEST(ConsoleMux, NoNoticeWhenTheKeysAreAtHvcAlready) {
    EXPECT_EQ(Screen({.uart = false, .interactive = true}).Hvc("hi").Shown(), "hi");
}

TEST(ConsoleMux, LineOfTellsWhoGoesOn) {
    Screen screen = Pipe();
    EXPECT_EQ(screen.Hvc("a").mux.LineOf(), ConsoleEnd::kHvc);
    EXPECT_EQ(screen.Uart("b").mux.LineOf(), ConsoleEnd::kUart);
}

// --- Little room

TEST(ConsoleMux, LittleRoomTakesSomeOfEachEndAndNeverTooMuch) {
    Screen screen = Pipe();
    screen.Hvc("x");
    screen.buffer->Append(std::string(OutputBuffer::kCapacity - 1 - ConsoleMux::kRoomNeeded, '.'));
    const std::string lines =
        "a\rb\rc\rd\re\rf\rg\rh\ri\rj\rk\rl\rm\rn\ro\rp\rq\rr\rs\rt\ru\rv\rw\rx\ry\rz\r"
        "a\rb\rc\rd\re\rf\rg\rh\ri\rj\rk\rl\rm\rn\ro\rp\rq\rr\rs\rt\ru\rv\rw\rx\ry\rz\r";
    EXPECT_GT(screen.mux.Takes(ConsoleEnd::kHvc, *screen.buffer), 0u);
    const std::size_t certain = screen.mux.Takes(ConsoleEnd::kUart, *screen.buffer);
    EXPECT_GT(certain, 0u);
    const std::size_t shown = screen.mux.Show(ConsoleEnd::kUart, Bytes(lines), *screen.buffer);
    EXPECT_GE(shown, certain);
    EXPECT_LT(shown, lines.size());
    EXPECT_GE(screen.buffer->Room(), ConsoleMux::kOwnRoom);
}

TEST(ConsoleMux, WithoutRoomNothingIsTakenButHuskCanStillTell) {
    Screen screen = Terminal();
    screen.Uart(std::string(OutputBuffer::kCapacity - ConsoleMux::kOwnRoom, '.'));
    EXPECT_EQ(screen.mux.Show(ConsoleEnd::kUart, Bytes("x"), *screen.buffer), 0u);
    EXPECT_EQ(screen.mux.Show(ConsoleEnd::kHvc, Bytes("x"), *screen.buffer), 0u);
    screen.mux.AskHelp();
    screen.Tell();
    EXPECT_NE(screen.Shown().find("..\r\nhusk: Ctrl-] q"), std::string::npos);
}

TEST(ConsoleMux, WordsThatFindNoRoomComeLater) {
    Screen screen = Terminal();
    screen.buffer->Append(std::string(OutputBuffer::kCapacity, '.'));
    screen.mux.Switch(false);
    screen.Tell().Shown();
    EXPECT_EQ(screen.Tell().Shown(), "husk: there is no hvc0; keys go to ttyS0\r\n");
    EXPECT_EQ(screen.Tell().Shown(), "");
}

// --- Who gets the keys

TEST(ConsoleMux, KeysStayAtTheUartWhenHvcComes) {
    Screen screen = Terminal();
    screen.Hvc("login: ");
    EXPECT_EQ(screen.mux.Keys(), ConsoleEnd::kUart);
}

TEST(ConsoleMux, WithoutAUartTheKeysAreAlwaysForHvc) {
    Screen screen({.uart = false, .interactive = true});
    EXPECT_EQ(screen.mux.Keys(), ConsoleEnd::kHvc);
    screen.mux.HvcDied();
    screen.mux.Switch(true);
    EXPECT_EQ(screen.mux.Keys(), ConsoleEnd::kHvc);
    EXPECT_EQ(screen.Tell().Shown(), "husk: there is no ttyS0; keys go to hvc0\r\n");
}

TEST(ConsoleMux, SwitchMovesTheKeysThereAndBackAndSaysSo) {
    Screen screen = Terminal();
    screen.mux.Switch(true);
    EXPECT_EQ(screen.mux.Keys(), ConsoleEnd::kHvc);
    EXPECT_EQ(screen.Uart("# ").Tell().Shown(), "# \r\nhusk: keys go to hvc0 now\r\n");
    screen.mux.Switch(true);
    EXPECT_EQ(screen.mux.Keys(), ConsoleEnd::kUart);
    EXPECT_EQ(screen.Tell().Shown(), "husk: keys go to ttyS0 now\r\n");
}

TEST(ConsoleMux, SwitchToAnHvcThatIsNotThereIsRefused) {
    Screen screen = Terminal();
    screen.mux.Switch(false);
    EXPECT_EQ(screen.mux.Keys(), ConsoleEnd::kUart);
    EXPECT_EQ(screen.Tell().Shown(), "husk: there is no hvc0; keys go to ttyS0\r\n");
}

TEST(ConsoleMux, KeysFallBackToTheUartWhenHvcDies) {
    Screen screen = Terminal();
    screen.mux.Switch(true);
    EXPECT_EQ(screen.Admitted("root\r"), "root\r");
    screen.mux.HvcDied();
    EXPECT_EQ(screen.mux.Keys(), ConsoleEnd::kUart);
    EXPECT_EQ(screen.Tell().Shown(), "husk: hvc0 is gone; keys go to ttyS0 again\r\n");
    EXPECT_EQ(screen.Admitted("ls\r"), "ls\r");
}

TEST(ConsoleMux, RestOfALineTypedForADeadHvcIsSwallowed) {
    Screen screen = Terminal();
    screen.mux.Switch(true);
    EXPECT_EQ(screen.Admitted("secr"), "secr");
    screen.mux.HvcDied();
    EXPECT_EQ(screen.Tell().Shown(), "husk: hvc0 is gone; after Enter, keys go to ttyS0 again\r\n");
    EXPECT_EQ(screen.Admitted("e"), "");
    EXPECT_EQ(screen.Admitted("t\rls\r"), "ls\r");
    EXPECT_EQ(screen.Admitted("id\r"), "id\r");
}

TEST(ConsoleMux, ControlCEndsASwallowedLine) {
    Screen screen = Terminal();
    screen.mux.Switch(true);
    (void)screen.Admitted("vi");
    screen.mux.HvcDied();
    EXPECT_EQ(screen.Admitted("x\x03y"), "y");
}

TEST(ConsoleMux, DeathOfAnHvcWithoutTheKeysIsNoNews) {
    Screen screen = Terminal();
    screen.mux.HvcDied();
    EXPECT_EQ(screen.Tell().Shown(), "");
    EXPECT_EQ(screen.Admitted("ls"), "ls");
}

TEST(ConsoleMux, HvcThatComesBackDoesNotTakeTheKeys) {
    Screen screen = Terminal();
    screen.mux.Switch(true);
    screen.mux.HvcDied();
    screen.Hvc("login: ");
    EXPECT_EQ(screen.mux.Keys(), ConsoleEnd::kUart);
}

// --- The buffer

TEST(OutputBuffer, KeepsOrderAcrossItsEnd) {
    const auto buffer = std::make_unique<OutputBuffer>();
    buffer->Append(std::string(OutputBuffer::kCapacity - 2, '.'));
    buffer->Consume(OutputBuffer::kCapacity - 3);
    buffer->Append("abcd");
    EXPECT_EQ(buffer->Size(), 5u);
    EXPECT_EQ(Text(buffer->Peek()), ".ab");
    buffer->Consume(3);
    EXPECT_EQ(Text(buffer->Peek()), "cd");
}

TEST(OutputBuffer, KeepsTheNewestWhenToldSo) {
    const auto buffer = std::make_unique<OutputBuffer>();
    buffer->KeepNewest(true);
    buffer->Append(std::string(OutputBuffer::kCapacity, '.'));
    EXPECT_EQ(buffer->Room(), OutputBuffer::kCapacity);
    buffer->Append("ab");
    buffer->KeepNewest(false);
    EXPECT_EQ(buffer->Room(), 0u);
    EXPECT_EQ(buffer->Size(), OutputBuffer::kCapacity);
    buffer->Consume(OutputBuffer::kCapacity - 2);
    EXPECT_EQ(Text(buffer->Peek()), "ab");
}

}  // namespace
}  // namespace husk
