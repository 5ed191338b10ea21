// The console's log: what is in the file, and how large it gets.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <string>
#include <string_view>

#include "devices/host/console_log.h"
#include "tests/unit/console_bench.h"

namespace husk {
namespace {

using console_bench::Numbers;

class LogFile {
 public:
    explicit LogFile(bool raw = false, std::string_view before = "") : fd_(::memfd_create("log", MFD_CLOEXEC)) {
        EXPECT_EQ(::write(fd_.Get(), before.data(), before.size()), static_cast<ssize_t>(before.size()));
        log = std::make_unique<ConsoleLog>(
            ConsoleLog::File{.fd = fd_.Get(), .size = before.size(), .max = kConsoleLogLeastMax, .raw = raw});
    }
    void Append(std::string_view text) const { log->Append(std::as_bytes(std::span(text))); }
    [[nodiscard]] std::string Text() const {
        std::string text(static_cast<std::size_t>(::lseek(fd_.Get(), 0, SEEK_END)), '\0');
        EXPECT_EQ(::pread(fd_.Get(), text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
        return text;
    }
    std::unique_ptr<ConsoleLog> log;

 private:
    ScopedFd fd_;
};

TEST(ConsoleLog, WhatIsGatheredIsWrittenAtOnce) {
    const LogFile file;
    file.Append("login: ");
    file.Append("root\r\n");
    EXPECT_EQ(file.Text(), "");
    EXPECT_EQ(file.log->Pending(), 12u);
    file.log->Flush();
    EXPECT_EQ(file.Text(), "login: root\n");
    EXPECT_EQ(file.log->Pending(), 0u);
}

TEST(ConsoleLog, EscapeSequencesGoUnlessItIsRaw) {
    const LogFile plain;
    const LogFile raw(true);
    for (const LogFile* file : {&plain, &raw}) {
        file->Append("\x1b[31mred\x1b");
        file->Append("[0m");
        file->log->Flush();
    }
    EXPECT_EQ(plain.Text(), "red");
    EXPECT_EQ(raw.Text(), "\x1b[31mred\x1b[0m");
}

TEST(ConsoleLog, GoesOnBehindWhatIsThere) {
    const LogFile file(false, "the last boot\n");
    file.Append("this boot\n");
    file.log->Flush();
    EXPECT_EQ(file.Text(), "the last boot\nthis boot\n");
}

TEST(ConsoleLog, NeverOutgrowsItsBoundAndKeepsTheNewestLines) {
    const LogFile file;
    const std::string printed = Numbers(1'000'000);
    for (std::size_t at = 0; at < printed.size(); at += 1000) {
        file.Append(std::string_view(printed).substr(at, 1000));
        ASSERT_LE(file.Text().size(), kConsoleLogLeastMax);
    }
    file.log->Flush();
    const std::string kept = file.Text();
    EXPECT_LE(kept.size(), kConsoleLogLeastMax);
    EXPECT_GE(kept.size(), kConsoleLogLeastMax / 2 - 100);
    EXPECT_TRUE(printed.ends_with("\n" + kept)) << "a stretch is missing, or a line is cut";
    EXPECT_EQ(file.log->TakeFailure(), std::nullopt);
}

TEST(ConsoleLog, LargerFileThanItsBoundIsCutAtTheFirstWrite) {
    const std::string before = Numbers(3 * kConsoleLogLeastMax);
    const LogFile file(false, before);
    file.Append("new\n");
    file.log->Flush();
    EXPECT_LE(file.Text().size(), kConsoleLogLeastMax);
    EXPECT_TRUE((before + "new\n").ends_with(file.Text()));
}

TEST(ConsoleLog, FullDiskIsToldOnceAndDropsWhatItHasNoRoomFor) {
    const ScopedFd full(::open("/dev/full", O_RDWR | O_CLOEXEC));
    const auto log = std::make_unique<ConsoleLog>(ConsoleLog::File{.fd = full.Get()});
    const std::string printed = Numbers(200'000);
    log->Append(std::as_bytes(std::span(printed)));
    log->Flush();
    EXPECT_EQ(log->TakeFailure(), ENOSPC);
    log->Append(std::as_bytes(std::span(printed)));
    EXPECT_EQ(log->TakeFailure(), std::nullopt);
}

TEST(ConsoleLog, FileThatCannotBeReadBeginsAnewWhenItIsFull) {
    const std::string path = ::testing::TempDir() + "/log_" + std::to_string(::getpid());
    const ScopedFd unreadable(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    const ScopedFd reader(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    ::unlink(path.c_str());
    const auto log = std::make_unique<ConsoleLog>(ConsoleLog::File{.fd = unreadable.Get(), .max = kConsoleLogLeastMax});
    const std::string printed = Numbers(kConsoleLogLeastMax) + "last";
    log->Append(std::as_bytes(std::span(printed)));
    log->Flush();
    EXPECT_EQ(log->TakeFailure(), EBADF);
    EXPECT_LT(::lseek(reader.Get(), 0, SEEK_END), 64 * 1024);
}

TEST(ConsolePumpWithLog, LogHasWhatIsShownOfBothEnds) {
    const console_bench::Pipe out;
    const LogFile file;
    console_bench::Console console({.output = out.write.Get(), .log = file.log.get()});
    console.hvc.live = true;
    console.Print("serial\r\n");
    console.Settle();
    console.hvc.output = "\x1b[32mhvc\x1b[0m\r\n";
    console.Settle();
    console.Print("again\r\n");
    console.Settle();
    EXPECT_EQ(file.Text(), "serial\nhvc\nttyS0| again\n");
    EXPECT_EQ(console_bench::ReadAll(out.read), "serial\r\n\x1b[32mhvc\x1b[0m\r\nttyS0| again\r\n");
    EXPECT_TRUE(console.idle);
}

TEST(ConsolePumpWithLog, LogIsWrittenInBatchesAndCompleteWhenDrained) {
    const LogFile file;
    console_bench::Console console({.log = file.log.get()});
    console.Print("a");
    console.Step();
    EXPECT_EQ(file.Text(), "a");
    console.Print("b");
    console.pump.Turn({-1, 0, 0}, {-1, 0, 0}, console.now);
    EXPECT_EQ(file.Text(), "a");
    EXPECT_FALSE(console.pump.Drained());
    console.Settle();
    EXPECT_EQ(file.Text(), "ab");
    EXPECT_TRUE(console.pump.Drained());
}

TEST(ConsolePumpWithLog, NobodyAtTheConsoleLosesNothingOfTheLog) {
    const LogFile file;
    console_bench::Console console({.clients = true, .log = file.log.get()});
    const std::string printed = Numbers(100'000);  // more than waits for a client
    console.Print(printed);
    EXPECT_FALSE(console.pump.Drained());
    console.Settle();
    EXPECT_EQ(file.Text(), printed);
}

TEST(ConsolePumpWithLog, LogIsWrittenWhileTheHostReadsNothing) {
    const console_bench::Pipe out;
    const LogFile file;
    console_bench::Console console({.output = out.write.Get(), .log = file.log.get()});
    console.Print(Numbers(200'000));
    console.Settle();
    EXPECT_TRUE(console.idle);
    EXPECT_GE(file.Text().size(), 64u * 1024);
    EXPECT_EQ(file.log->Pending(), 0u);
}

TEST(ConsolePumpWithLog, OutputToAFileIsPlainAndItsFailureToldOnce) {
    const console_bench::Pipe out;
    console_bench::Console plain({.output = out.write.Get(), .plain = true});
    plain.Print("\x1b[1mbold\x1b[0m\r\n");
    plain.Settle();
    EXPECT_EQ(console_bench::ReadAll(out.read), "bold\n");
    const ScopedFd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
    console_bench::Console failing({.output = full.Get(), .plain = true});
    failing.Print("lost\n");
    failing.Settle();
    EXPECT_EQ(failing.pump.TakeFailure(), ENOSPC);
    EXPECT_EQ(failing.pump.TakeFailure(), std::nullopt);
    EXPECT_TRUE(failing.pump.Drained());
}

}  // namespace
}  // namespace husk
