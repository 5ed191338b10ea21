// A ConsolePump on the bench: what its tests share. The guest's side of the UART rings, host descriptors, and the
// console role's loop in single steps, with a clock that only moves when the pump waits.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "devices/host/console_pump.h"

namespace husk::console_bench {

inline ScopedFd NonBlocking(int fd) {
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

inline std::string ReadAll(const ScopedFd& fd) {
    std::string all;
    std::array<char, 4096> piece;
    for (ssize_t got = ::read(fd.Get(), piece.data(), piece.size()); got > 0;
         got = ::read(fd.Get(), piece.data(), piece.size())) {
        all.append(piece.data(), static_cast<std::size_t>(got));
    }
    return all;
}

inline void Type(const ScopedFd& fd, std::string_view text) {
    ASSERT_EQ(::write(fd.Get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
}

// Text in which every stretch is different, so that loss and repetition show.
inline std::string Numbers(std::size_t size) {
    std::string text;
    for (int i = 0; text.size() < size; ++i) text += std::to_string(i) + "\n";
    text.resize(size);
    return text;
}

// hvc0 without queues: strings for both ways.
class FakeHvc final : public ConsolePort {
 public:
    bool live = false;
    std::string output;         // what the guest wrote
    std::string typed;          // what the guest got
    std::size_t room = 0;       // for typed bytes
    int batches = 0;            // ended with something in it
    bool armed_output = false;  // doorbells asked for when last asked
    bool armed_room = false;

    [[nodiscard]] bool Live() const override { return live; }
    std::size_t Take(std::span<std::byte> into) override {
        const std::size_t count = live ? std::min(into.size(), output.size()) : 0;
        std::memcpy(into.data(), output.data(), count);
        output.erase(0, count);
        in_batch_ = in_batch_ || count > 0;
        return count;
    }
    [[nodiscard]] bool HasOutput() const override { return live && !output.empty(); }
    std::size_t Put(std::span<const std::byte> bytes) override {
        const std::size_t count = live ? std::min(bytes.size(), room) : 0;
        typed.append(reinterpret_cast<const char*>(bytes.data()), count);
        room -= count;
        in_batch_ = in_batch_ || count > 0;
        return count;
    }
    void Flush() override { batches += std::exchange(in_batch_, false) ? 1 : 0; }
    [[nodiscard]] bool Sleep(bool for_output, bool for_room) override {
        armed_output = live && for_output;
        armed_room = live && for_room;
        return !(armed_output && !output.empty()) && !(armed_room && room > 0);
    }

 private:
    bool in_batch_ = false;
};

// The console role's loop in single steps, over any port.
class Loop {
 public:
    using Request = ConsolePump::Request;

    Loop(ConsolePort& hvc, ConsolePump::Host host) : pump(*rings_, hvc, host, wake_vmm) { ::signal(SIGPIPE, SIG_IGN); }

    std::size_t Print(std::string_view text) { return guest_output_.Write(std::as_bytes(std::span(text))); }
    std::string GuestReads() {
        std::string text;
        for (auto waiting = guest_input_.Peek(); !waiting.empty(); waiting = guest_input_.Peek()) {
            text.append(reinterpret_cast<const char*>(waiting.data()), waiting.size());
            guest_input_.Consume(static_cast<std::uint32_t>(waiting.size()));
        }
        return text;
    }
    // What the loop does once; doorbells are always rung. Time passes when nothing else happens.
    Request Step() {
        std::array<pollfd, 2> waiting{};
        last_timeout = pump.Prepare(waiting[0], waiting[1]);
        const int ready = ::poll(waiting.data(), waiting.size(), 0);
        idle = ready == 0 && last_timeout < 0;
        if (ready == 0 && last_timeout > 0) now += static_cast<std::uint64_t>(last_timeout) * 1'000'000;
        polled_input = waiting[0].fd;
        polled_output = waiting[1].fd;
        return pump.Turn(waiting[0], waiting[1], now);
    }
    // Steps until there is nothing to do but wait.
    void Settle() {
        Step();
        for (int i = 0; i < 100 && !idle; ++i) Step();
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
    std::uint64_t now = 1'000'000'000;
    int last_timeout = 0;
    bool idle = false;  // the last step found nothing to do
    int polled_input = -1;
    int polled_output = -1;
};

struct WithHvc {
    FakeHvc hvc;
};
// With a fake hvc0, dead until a test says otherwise.
class Console : public WithHvc, public Loop {
 public:
    explicit Console(ConsolePump::Host host) : Loop(hvc, host) {}
};

}  // namespace husk::console_bench
