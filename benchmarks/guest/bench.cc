#include "benchmarks/guest/bench.h"

#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace husk::bench {

namespace {

bool IsInit() { return getpid() == 1; }

}  // namespace

void End(int status) {
    std::fflush(stdout);
    if (!IsInit()) _exit(status);
    tcdrain(STDOUT_FILENO);
    sync();
    reboot(Word("end") == "poweroff" ? RB_POWER_OFF : RB_AUTOBOOT);
    for (;;) pause();
}

void Fail(const std::string& what) {
    const int why = errno;
    std::printf("bench: failed: %s%s%s\n", what.c_str(), why == 0 ? "" : ": ", why == 0 ? "" : std::strerror(why));
    End(1);
}

std::uint64_t Nanoseconds() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

std::string Word(const char* name, const char* otherwise) {
    const char* word = std::getenv(name);
    return word != nullptr ? word : otherwise;
}

std::uint64_t Number(const char* name, std::uint64_t otherwise) {
    const char* word = std::getenv(name);
    return word != nullptr ? std::strtoull(word, nullptr, 10) : otherwise;
}

std::vector<std::string> Phases() {
    std::vector<std::string> phases;
    const std::string list = Word("phases");
    for (std::uint64_t turn = 0; turn < Number("turns", 1); ++turn) {
        for (std::size_t at = 0; at < list.size();) {
            const std::size_t end = std::min(list.find(',', at), list.size());
            phases.push_back(list.substr(at, end - at));
            at = end + 1;
        }
    }
    return phases;
}

std::uint64_t PhaseNanoseconds() { return Number("milliseconds", 1000) * 1'000'000; }

void PrepareConsole() {
    if (IsInit()) {
        mkdir("/dev", 0755);
        mkdir("/sys", 0755);
        mount("devtmpfs", "/dev", "devtmpfs", 0, nullptr);  // Mounted already: this fails and does no harm.
        if (mount("sysfs", "/sys", "sysfs", 0, nullptr) != 0) Fail("cannot mount /sys");
    }
    termios terminal{};
    if (tcgetattr(STDIN_FILENO, &terminal) != 0) return;  // a pipe
    cfmakeraw(&terminal);
    if (tcsetattr(STDIN_FILENO, TCSANOW, &terminal) != 0) Fail("cannot set the terminal");
}

void AwaitHost() {
    std::fflush(stdout);
    char byte = 0;
    do {
        errno = 0;
        if (read(STDIN_FILENO, &byte, 1) != 1) Fail("the host says nothing");
    } while (byte != '\n');
}

void Begin(const std::string& phase) {
    std::printf("bench: ready %s\n", phase.c_str());
    AwaitHost();
}

void Finish(const std::string& phase, std::initializer_list<std::pair<const char*, std::uint64_t>> results,
            const Latencies& latencies) {
    std::string line = "bench: " + phase;
    for (const auto& [key, value] : results) line += std::string(" ") + key + "=" + std::to_string(value);
    std::puts((line + latencies.Text()).c_str());
    AwaitHost();
}

}  // namespace husk::bench
