// The console's host side: moving bytes between the UART's rings and whatever is out there.
#include <gtest/gtest.h>

#include "devices/host/console_endpoint.h"
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

TEST(ConsolePump, OutputReachesTheHost) {
    const Pipe out;
    Console console({.output = out.write.Get()});
    console.Print("login: ");
    EXPECT_FALSE(console.pump.Drained());
    console.Step();
    EXPECT_EQ(ReadAll(out.read), "login: ");
    EXPECT_TRUE(console.pump.Drained());
    EXPECT_EQ(console.pump.BytesOut(), 7u);
    EXPECT_EQ(console.pump.Writes(), 1u);
}

TEST(ConsolePump, AfterAWriteItGathersAMomentAndThenSleeps) {
    const Pipe out;
    Console console({.output = out.write.Get()});
    console.Print("a");
    console.Step();
    console.Step();
    EXPECT_GT(console.last_timeout, 0);
    console.Step();
    EXPECT_EQ(console.last_timeout, -1);
    console.Print("b");
    EXPECT_TRUE(console.ReaderMustBeWoken());
}

TEST(ConsolePump, FullPipeHoldsOutputBackAndLosesNothing) {
    const Pipe out;
    Console console({.output = out.write.Get()});
    const std::string printed = Numbers(200'000);  // a pipe holds 64 KiB
    ASSERT_EQ(console.Print(printed), printed.size());
    console.Settle();
    EXPECT_FALSE(console.pump.Drained());
    EXPECT_EQ(console.last_timeout, -1);  // it waits for the pipe instead of trying again and again
    std::string seen;
    for (int i = 0; i < 50; ++i) {
        seen += ReadAll(out.read);
        console.Step();
    }
    EXPECT_EQ(seen, printed);
    EXPECT_TRUE(console.pump.Drained());
}

TEST(ConsolePump, GuestThatWaitsForRoomIsWoken) {
    const Pipe out;
    Console console({.output = out.write.Get()});
    console.Print(std::string(kConsoleOutputRing, 'x'));
    console.AskForRoom();
    console.Step();
    EXPECT_TRUE(console.wake_vmm.Drain());
    EXPECT_GT(console.Print("more"), 0u);
}

TEST(ConsolePump, OutputThatNobodyCanEverReadIsDropped) {
    Console console({});
    console.Print("lost");
    EXPECT_TRUE(console.pump.Drained());
    console.Step();
    EXPECT_EQ(console.pump.BytesOut(), 0u);
    console.Step();
    EXPECT_EQ(console.last_timeout, -1);
}

TEST(ConsolePump, OutputGoesNowhereOnceItsReaderIsGone) {
    Pipe out;
    Console console({.output = out.write.Get()});
    out.read.Reset();
    console.Print("lost");
    console.Settle();
    EXPECT_TRUE(console.pump.Drained());
    EXPECT_EQ(console.last_timeout, -1);
}

TEST(ConsolePump, TypedBytesReachTheGuestAndRing) {
    const Pipe in;
    Console console({.input = in.read.Get()});
    EXPECT_TRUE(console.ReaderSleeps());
    Type(in.write, "root\n");
    EXPECT_EQ(console.Step(), Request::kNone);
    EXPECT_EQ(console.GuestReads(), "root\n");
    EXPECT_TRUE(console.wake_vmm.Drain());
    EXPECT_EQ(console.pump.BytesIn(), 5u);
}

TEST(ConsolePump, InputWaitsOutsideUntilTheGuestReads) {
    const Pipe in;
    Console console({.input = in.read.Get()});
    const std::string typed = Numbers(3 * kConsoleInputRing);
    Type(in.write, typed);
    for (int i = 0; i < 40; ++i) console.Step();
    EXPECT_EQ(console.polled_input, -1);
    std::string read;
    for (int i = 0; i < 40; ++i) {
        read += console.GuestReads();
        console.Step();
    }
    EXPECT_EQ(read + console.GuestReads(), typed);
}

TEST(ConsolePump, EndOfInputLeavesTheRestRunning) {
    Pipe in;
    const Pipe out;
    Console console({.input = in.read.Get(), .output = out.write.Get()});
    Type(in.write, "last");
    in.write.Reset();
    console.Step();
    EXPECT_EQ(console.Step(), Request::kNone);
    EXPECT_EQ(console.GuestReads(), "last");
    console.Step();
    EXPECT_EQ(console.polled_input, -1);
    console.Print("still here");
    console.Step();
    EXPECT_EQ(ReadAll(out.read), "still here");
}

// --- Escape commands on the way in ---

TEST(ConsolePump, EscapeCommandsAreRequestsAndNotTyped) {
    const Pipe in;
    Console console({.input = in.read.Get(), .escape = true});
    Type(in.write, "ab\x1dq");
    EXPECT_EQ(console.Step(), Request::kQuit);
    EXPECT_EQ(console.GuestReads(), "ab");
    Type(in.write, "\x1dk");
    EXPECT_EQ(console.Step(), Request::kKill);
    EXPECT_EQ(console.GuestReads(), "");
}

TEST(ConsolePump, KillBeatsAQuitOfTheSameRead) {
    const Pipe in;
    Console console({.input = in.read.Get(), .escape = true});
    Type(in.write, "\x1dq\x1dk\x1dq");
    EXPECT_EQ(console.Step(), Request::kKill);
}

TEST(ConsolePump, WithoutEscapesEveryByteIsTheGuests) {
    const Pipe in;
    Console console({.input = in.read.Get()});
    Type(in.write, "\x1dq");
    EXPECT_EQ(console.Step(), Request::kNone);
    EXPECT_EQ(console.GuestReads(), "\x1dq");
}

TEST(ConsolePump, EscapesWorkWhileTheGuestReadsNothing) {
    const Pipe in;
    Console console({.input = in.read.Get(), .escape = true});
    Type(in.write, std::string(2 * kConsoleInputRing, 'x'));
    for (int i = 0; i < 40; ++i) console.Step();
    Type(in.write, "\x1dk");
    EXPECT_EQ(console.Step(), Request::kKill);
}

TEST(ConsolePump, HelpIsShownBeforeWhatTheGuestSaysNext) {
    const Pipe in, out;
    Console console({.input = in.read.Get(), .output = out.write.Get(), .escape = true});
    console.Print("# ");
    Type(in.write, "\x1dh");
    EXPECT_EQ(console.Step(), Request::kNone);
    const std::string seen = ReadAll(out.read);
    EXPECT_TRUE(seen.starts_with("husk: Ctrl-] q"));
    EXPECT_TRUE(seen.ends_with("\r\n# "));
}

// --- Clients of a unix socket ---

TEST(ConsolePump, NewClientGetsTheBacklog) {
    Console console({.clients = true});
    console.Print("booting\n");
    console.Settle();
    EXPECT_EQ(console.last_timeout, -1);
    const SocketPair client;
    console.pump.SetClient(client.ours.Get());
    console.Settle();
    EXPECT_EQ(ReadAll(client.theirs), "booting\n");
}

TEST(ConsolePump, BacklogKeepsTheNewestBytes) {
    Console console({.clients = true});
    const std::string printed = Numbers(200'000);
    ASSERT_EQ(console.Print(printed), printed.size());
    console.Settle();
    const SocketPair client;
    console.pump.SetClient(client.ours.Get());
    std::string seen;
    for (int i = 0; i < 50; ++i) {
        console.Step();
        seen += ReadAll(client.theirs);
    }
    EXPECT_EQ(seen, printed.substr(printed.size() - 64 * 1024));
}

TEST(ConsolePump, ClientThatLeavesIsReportedAndTheNextOneGoesOn) {
    Console console({.clients = true});
    SocketPair first;
    console.pump.SetClient(first.ours.Get());
    console.Print("one");
    console.Settle();
    EXPECT_EQ(ReadAll(first.theirs), "one");
    first.theirs.Reset();
    EXPECT_EQ(console.Step(), Request::kClientGone);
    console.Print("two");
    console.Settle();
    EXPECT_EQ(console.last_timeout, -1);
    const SocketPair second;
    console.pump.SetClient(second.ours.Get());
    Type(second.theirs, "hello");
    console.Settle();
    EXPECT_EQ(ReadAll(second.theirs), "two");
    EXPECT_EQ(console.GuestReads(), "hello");
}

TEST(ConsolePump, PseudoTerminalThatNobodyHasOpenIsLookedAtFromTimeToTimeUnlessItTells) {
    const ConsoleEndpoint endpoint = OpenConsole({.kind = ConsoleTarget::Kind::kPty, .path = {}}).value();
    const int master = endpoint.output.Get();
    Console looks({.input = master, .output = master, .pty = true});
    looks.Step();
    EXPECT_GT(looks.last_timeout, 0);
    Console sleeps({.input = master, .output = master, .pty = true, .pty_told = true});
    sleeps.Step();
    EXPECT_EQ(sleeps.last_timeout, -1);
}

TEST(ConsoleEndpoint, PseudoTerminalTellsWhenItIsOpened) {
    const ConsoleEndpoint endpoint = OpenConsole({.kind = ConsoleTarget::Kind::kPty, .path = {}}).value();
    ASSERT_TRUE(endpoint.opened);  // unless fs.inotify.max_user_instances is used up
    EXPECT_EQ(ReadAll(endpoint.opened), "");
    const ScopedFd other(::open(endpoint.place.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC));
    EXPECT_NE(ReadAll(endpoint.opened), "");
}

TEST(ConsolePump, ClientThatLeavesWhileTheGuestReadsNothingCostsNoBusyLoop) {
    Console console({.clients = true});
    SocketPair client;
    console.pump.SetClient(client.ours.Get());
    Type(client.theirs, std::string(2 * kConsoleInputRing, 'x'));
    for (int i = 0; i < 40; ++i) console.Step();
    client.theirs.Reset();
    console.Print("nobody sees this");
    console.Settle();
    EXPECT_EQ(console.last_timeout, -1);
}

}  // namespace
}  // namespace husk
