// The console's host side: escapes, and moving bytes between the rings and whatever is out there.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "devices/host/console_pump.h"

namespace husk {
namespace {

using Request = ConsolePump::Request;

// --- Escapes ---

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

TEST(EscapeFilter, EscapeTypedTwiceIsSentOnce) {
    EscapeFilter filter;
    EXPECT_EQ(Feed(filter, "\x1d\x1dq").data, "\x1dq");
}

TEST(EscapeFilter, EscapeIsRememberedBetweenReads) {
    EscapeFilter filter;
    Feed(filter, "\x1d");
    EXPECT_EQ(Feed(filter, "q").commands, std::vector{EscapeResult::Kind::kQuit});
}

// --- The pump ---

ScopedFd NonBlocking(int fd) {
    ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
    return ScopedFd(fd);
}

struct Pipe {
    Pipe() {
        std::array<int, 2> ends{};
        EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK), 0);
        read.Reset(ends[0]);
        write.Reset(ends[1]);
    }
    ScopedFd read, write;
};

struct SocketPair {
    SocketPair() {
        std::array<int, 2> ends{};
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
        ours = NonBlocking(ends[0]);
        theirs = NonBlocking(ends[1]);
    }
    ScopedFd ours, theirs;
};

std::string ReadAll(const ScopedFd& fd) {
    std::string all;
    std::array<char, 4096> piece;
    for (ssize_t got = ::read(fd.Get(), piece.data(), piece.size()); got > 0;
         got = ::read(fd.Get(), piece.data(), piece.size())) {
        all.append(piece.data(), static_cast<std::size_t>(got));
    }
    return all;
}

void Type(const ScopedFd& fd, std::string_view text) {
    ASSERT_EQ(::write(fd.Get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
}

// Text in which every stretch is different, so that loss and repetition show.
std::string Numbers(std::size_t size) {
    std::string text;
    for (int i = 0; text.size() < size; ++i) text += std::to_string(i) + "\n";
    text.resize(size);
    return text;
}

// The guest's side of the rings, and the console role's loop in single steps.
class Console {
 public:
    explicit Console(ConsolePump::Host host) : pump(*rings_, host, wake_vmm) { ::signal(SIGPIPE, SIG_IGN); }

    std::size_t Print(std::string_view text) { return guest_output_.Write(std::as_bytes(std::span(text))); }
    std::string GuestReads() {
        std::string text;
        for (auto waiting = guest_input_.Peek(); !waiting.empty(); waiting = guest_input_.Peek()) {
            text.append(reinterpret_cast<const char*>(waiting.data()), waiting.size());
            guest_input_.Consume(static_cast<std::uint32_t>(waiting.size()));
        }
        return text;
    }
    // What the loop does once; the doorbell is always rung.
    Request Step() {
        std::array<pollfd, 2> waiting{};
        last_timeout = pump.Prepare(waiting[0], waiting[1]);
        ::poll(waiting.data(), waiting.size(), 0);
        polled_input = waiting[0].fd;
        return pump.Turn(waiting[0], waiting[1]);
    }
    // Steps until there is nothing to do but wait.
    void Settle() {
        Step();
        for (int i = 0; i < 100 && last_timeout >= 0; ++i) Step();
    }
    bool ReaderMustBeWoken() { return guest_output_.ReaderMustBeWoken(); }
    bool ReaderSleeps() { return guest_input_.Sleep(); }
    void AskForRoom() { guest_output_.AskForRoom(); }

 private:
    std::unique_ptr<ConsoleRings> rings_ = std::make_unique<ConsoleRings>();
    ByteRingWriter<kConsoleOutputRing> guest_output_{rings_->from_guest};
    ByteRingReader<kConsoleInputRing> guest_input_{rings_->to_guest};

 public:
    EventFd wake_vmm = EventFd::Create().value();
    ConsolePump pump;
    int last_timeout = 0;
    int polled_input = -1;
};

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
    EXPECT_TRUE(seen.starts_with("\r\nhusk: Ctrl-] q"));
    EXPECT_TRUE(seen.ends_with("\r\n# "));
    EXPECT_EQ(console.pump.BytesOut(), 2u);  // the guest's bytes only
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
