// The console's host side with both ends of the guest: hvc0 beside the UART. Here hvc0 is a pair of strings; the device
// itself is in console_device_test.cc.
#include <gtest/gtest.h>

#include "tests/unit/console_bench.h"

namespace husk {
namespace {

using console_bench::Console;
using console_bench::Numbers;
using console_bench::Pipe;
using console_bench::ReadAll;
using console_bench::SocketPair;
using console_bench::Type;
using Request = ConsolePump::Request;

constexpr std::string_view kSwitch = "\x1ds";

// --- Output

TEST(ConsoleBothEnds, BothAreShown) {
    const Pipe out;
    Console console({.output = out.write.Get()});
    console.hvc.live = true;
    console.Print("boot\r\n");
    console.Settle();
    console.hvc.output = "login: ";
    console.Settle();
    console.Print("panic\r\n");
    console.Settle();
    EXPECT_EQ(ReadAll(out.read), "boot\r\nlogin: \r\nttyS0| panic\r\n");
}

TEST(ConsoleBothEnds, HvcIsTakenAtOnceAndWrittenInBatches) {
    const Pipe out;
    Console console({.output = out.write.Get()});
    console.hvc.live = true;
    console.hvc.output = "a";
    console.Step();
    EXPECT_EQ(ReadAll(out.read), "a");
    console.hvc.output = "b";
    console.Step();
    console.hvc.output = "c";
    console.Step();
    EXPECT_EQ(console.hvc.output, "");  // the guest need not wait
    EXPECT_EQ(console.hvc.batches, 3);
    EXPECT_EQ(ReadAll(out.read), "");
    console.Settle();
    EXPECT_EQ(ReadAll(out.read), "bc");
    EXPECT_EQ(console.pump.Writes(), 2u);
}

TEST(ConsoleBothEnds, MuchIsWrittenBeforeTheMomentIsOver) {
    const Pipe out;
    Console console({.output = out.write.Get()});
    console.hvc.live = true;
    console.hvc.output = "a";
    console.Step();
    console.hvc.output = Numbers(20'000);
    console.Step();
    EXPECT_GT(ReadAll(out.read).size(), 16'000u);
}

TEST(ConsoleBothEnds, HvcRingsWheneverTheLoopSleeps) {
    const Pipe out;
    Console console({.output = out.write.Get()});
    console.hvc.live = true;
    console.hvc.output = "a";
    console.Step();
    console.Step();
    EXPECT_GT(console.last_timeout, 0);  // gathers
    EXPECT_TRUE(console.hvc.armed_output);
    console.Settle();
    EXPECT_TRUE(console.hvc.armed_output);
    EXPECT_FALSE(console.hvc.armed_room);
}

TEST(ConsoleBothEnds, FullHostHoldsBothBackAndLosesNothing) {
    const Pipe out;
    Console console({.output = out.write.Get()});
    console.hvc.live = true;
    const std::string printed = Numbers(200'000);
    console.hvc.output = printed;
    console.Settle();
    EXPECT_EQ(console.last_timeout, -1);
    EXPECT_NE(console.polled_output, -1);
    EXPECT_FALSE(console.hvc.armed_output);  // no room, so no doorbells
    EXPECT_GT(console.hvc.output.size(), 0u);
    EXPECT_FALSE(console.pump.Drained());
    std::string seen;
    for (int i = 0; i < 50; ++i) {
        seen += ReadAll(out.read);
        console.Step();
    }
    EXPECT_EQ(seen, printed);
    EXPECT_TRUE(console.pump.Drained());
}

TEST(ConsoleBothEnds, NeitherEndStarvesTheOther) {
    const Pipe out;
    Console console({.output = out.write.Get()});
    console.hvc.live = true;
    console.hvc.output = std::string(1'000'000, 'h');  // never ends its line
    console.Print(std::string(200'000, 'u'));
    console.Settle();
    std::string seen;
    for (int i = 0; i < 20; ++i) {
        std::array<char, 100> piece;  // a slow reader
        EXPECT_GT(::read(out.read.Get(), piece.data(), piece.size()), 0);
        seen += ReadAll(out.read);
        console.Step();
    }
    EXPECT_GT(std::ranges::count(seen, 'h'), 200'000);
    EXPECT_GE(std::ranges::count(seen, 'u'), 190'000);
}

TEST(ConsoleBothEnds, ConsoleThatNobodyCanReadHoldsUpNobody) {
    Console console({});
    console.hvc.live = true;
    console.hvc.output = Numbers(300'000);
    console.Print(Numbers(200'000));
    console.Settle();
    EXPECT_EQ(console.hvc.output, "");
    EXPECT_EQ(console.last_timeout, -1);
    EXPECT_TRUE(console.hvc.armed_output);
    EXPECT_EQ(console.pump.BytesOut(), 0u);
}

TEST(ConsoleBothEnds, ReaderThatLeavesWhileAllIsFullHoldsUpNobody) {
    Pipe out;
    Console console({.output = out.write.Get()});
    console.hvc.live = true;
    console.hvc.output = Numbers(500'000);
    console.Settle();
    out.read.Reset();
    console.Settle();
    EXPECT_EQ(console.hvc.output, "");
    EXPECT_TRUE(console.hvc.armed_output);
    EXPECT_TRUE(console.pump.Drained());
}

TEST(ConsoleBothEnds, BacklogForAClientKeepsTheNewestOfBoth) {
    Console console({.clients = true});
    console.hvc.live = true;
    console.hvc.output = Numbers(100'000);
    console.Settle();
    console.Print("panic\n");
    console.Settle();
    const SocketPair client;
    console.pump.SetClient(client.ours.Get());
    std::string seen;
    for (int i = 0; i < 50; ++i) {
        console.Step();
        seen += ReadAll(client.theirs);
    }
    EXPECT_EQ(seen.size(), 64u * 1024);
    EXPECT_TRUE(seen.ends_with("\r\nttyS0| panic\n"));
}

TEST(ConsoleBothEnds, ClientThatLeavesAFullConsoleLetsTheGuestGoOn) {
    Console console({.clients = true});
    console.hvc.live = true;
    SocketPair client;
    console.pump.SetClient(client.ours.Get());
    console.hvc.output = Numbers(2'000'000);
    console.Settle();
    EXPECT_GT(console.hvc.output.size(), 0u);
    client.theirs.Reset();
    for (int i = 0; i < 20; ++i) console.Settle();
    EXPECT_EQ(console.hvc.output, "");
    EXPECT_TRUE(console.hvc.armed_output);
}

// --- Keys

TEST(ConsoleBothEnds, KeysStayAtTheUartUntilAPersonMovesThem) {
    const Pipe in, out;
    Console console({.input = in.read.Get(), .output = out.write.Get(), .escape = true});
    console.hvc.live = true;
    console.hvc.room = 100;
    console.hvc.output = "login: ";
    console.Settle();
    Type(in.write, "secret\r");
    console.Settle();
    EXPECT_EQ(console.GuestReads(), "secret\r");
    Type(in.write, kSwitch);
    Type(in.write, "root\r");
    console.Settle();
    EXPECT_EQ(console.hvc.typed, "root\r");
    EXPECT_EQ(console.GuestReads(), "");
    EXPECT_EQ(ReadAll(out.read),
              "husk: hvc0 is there too; Ctrl-] s types into it\r\nlogin: \r\nhusk: keys go to hvc0 now\r\n");
}

TEST(ConsoleBothEnds, SwitchInTheMiddleOfOneReadPartsTheKeys) {
    const Pipe in;
    Console console({.input = in.read.Get(), .escape = true});
    console.hvc.live = true;
    console.hvc.room = 100;
    Type(in.write, "a\x1dsb\x1dsc");
    console.Settle();
    EXPECT_EQ(console.GuestReads(), "ac");
    EXPECT_EQ(console.hvc.typed, "b");
    EXPECT_EQ(console.pump.BytesIn(), 3u);
}

TEST(ConsoleBothEnds, KeysQueuedForHvcWaitForItAlone) {
    const Pipe in;
    Console console({.input = in.read.Get(), .escape = true});
    console.hvc.live = true;
    Type(in.write, "\x1dsfor hvc\x1dsfor uart");
    console.Settle();
    EXPECT_TRUE(console.hvc.armed_room);
    EXPECT_EQ(console.last_timeout, -1);
    EXPECT_EQ(console.GuestReads(), "for uart");
    console.hvc.room = 4;
    console.Settle();
    EXPECT_EQ(console.hvc.typed, "for ");
    console.hvc.room = 100;
    console.Settle();
    EXPECT_EQ(console.hvc.typed, "for hvc");
    EXPECT_FALSE(console.hvc.armed_room);
    EXPECT_EQ(console.GuestReads(), "");
}

TEST(ConsoleBothEnds, KeysQueuedForADeadHvcAreDropped) {
    const Pipe in, out;
    Console console({.input = in.read.Get(), .output = out.write.Get(), .escape = true});
    console.hvc.live = true;
    Type(in.write, "\x1dsse");
    console.Settle();
    ReadAll(out.read);
    console.hvc.live = false;
    console.pump.HvcDied();
    console.Settle();
    EXPECT_EQ(ReadAll(out.read), "husk: hvc0 is gone; after Enter, keys go to ttyS0 again\r\n");
    Type(in.write, "cret\r");
    console.Settle();
    Type(in.write, "ls\r");
    console.Settle();
    EXPECT_EQ(console.GuestReads(), "ls\r");
    console.hvc.live = true;
    console.hvc.room = 100;
    console.Settle();
    EXPECT_EQ(console.hvc.typed, "");
}

TEST(ConsoleBothEnds, SwitchWithoutHvcChangesNothing) {
    const Pipe in, out;
    Console console({.input = in.read.Get(), .output = out.write.Get(), .escape = true});
    Type(in.write, "\x1dsx");
    console.Settle();
    EXPECT_EQ(console.GuestReads(), "x");
    EXPECT_EQ(ReadAll(out.read), "husk: there is no hvc0; keys go to ttyS0\r\n");
}

TEST(ConsoleBothEnds, WithoutATerminalTheKeysStayAtTheUart) {
    const Pipe in;
    Console console({.input = in.read.Get()});
    console.hvc.live = true;
    console.hvc.room = 100;
    console.hvc.output = "login: ";
    Type(in.write, "\x1dsx");
    console.Settle();
    EXPECT_EQ(console.GuestReads(), "\x1dsx");
    EXPECT_EQ(console.hvc.typed, "");
}

TEST(ConsoleBothEnds, WithoutAUartKeysWaitForHvc) {
    const Pipe in;
    Console console({.input = in.read.Get(), .uart = false});
    const std::string typed = Numbers(3000);
    Type(in.write, typed);
    for (int i = 0; i < 10; ++i) console.Step();
    EXPECT_EQ(console.polled_input, -1);  // the rest stays outside
    console.hvc.live = true;
    for (int i = 0; i < 40; ++i) {
        console.hvc.room += 100;
        console.Step();
    }
    EXPECT_EQ(console.hvc.typed, typed);
    EXPECT_EQ(console.GuestReads(), "");
}

TEST(ConsoleBothEnds, EscapesWorkWhileHvcTakesNothing) {
    const Pipe in;
    Console console({.input = in.read.Get(), .escape = true, .uart = false});
    console.hvc.live = true;
    Type(in.write, std::string(5000, 'x'));
    for (int i = 0; i < 20; ++i) console.Step();
    Type(in.write, "\x1dk");
    EXPECT_EQ(console.Step(), Request::kKill);
}

// --- The end

TEST(ConsoleBothEnds, EndedInputIsNotTheGuestsAnyMore) {
    const Pipe in;
    Console console({.input = in.read.Get(), .escape = true});
    console.hvc.live = true;
    Type(in.write, "\x1dsab");
    console.Settle();
    console.pump.EndInput();
    console.hvc.room = 100;
    Type(in.write, "cd\x1dsef\x1dk");
    EXPECT_EQ(console.Step(), Request::kKill);
    console.Settle();
    EXPECT_EQ(console.hvc.typed, "");
    EXPECT_EQ(console.GuestReads(), "");
    EXPECT_EQ(console.last_timeout, -1);
}

TEST(ConsoleBothEnds, EndedInputOfAPipeIsLeftThere) {
    const Pipe in;
    Console console({.input = in.read.Get()});
    console.pump.EndInput();
    Type(in.write, "x");
    console.Settle();
    EXPECT_EQ(console.polled_input, -1);
    EXPECT_EQ(ReadAll(in.read), "x");
}

TEST(ConsoleBothEnds, ClientThatLeavesAfterTheEndIsSeen) {
    Console console({.clients = true});
    SocketPair client;
    console.pump.SetClient(client.ours.Get());
    console.Print(Numbers(250'000));
    console.pump.EndInput();
    Type(client.theirs, std::string(2 * kConsoleInputRing, 'x'));
    console.Settle();
    client.theirs.Reset();
    for (int i = 0; i < 40; ++i) console.Step();
    EXPECT_TRUE(console.pump.Drained());
}

}  // namespace
}  // namespace husk
