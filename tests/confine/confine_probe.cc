// confine_probe THREAD ATTEMPT [ARGUMENTS]
//
// Makes a running thread (its id; a process's id is its first thread's) try to break out, and prints one line: the last
// system call and what became of it, such as "openat: EACCES", "connect: returned 0", "execve: executed" or
// "openat: SIGSYS". The thread is left as it was, unless the attempt killed it. Status 2 when nothing could be tried.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "tests/confine/attempts.h"

namespace {

using husk::confine::Attempt;
using husk::confine::Attempts;

constexpr unsigned kTimeLimitSeconds = 20;

[[noreturn]] void Usage() {
    std::fprintf(stderr, "usage: confine_probe THREAD ATTEMPT [ARGUMENTS]\nattempts:\n");
    for (const Attempt& attempt : Attempts()) {
        std::fprintf(stderr, "  %s %s\n", attempt.name.data(), attempt.arguments.data());
    }
    std::exit(2);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3) Usage();
    const std::string name = argv[2];
    const std::vector<std::string> arguments(argv + 3, argv + argc);
    const auto attempt = std::ranges::find(Attempts(), name, &Attempt::name);
    if (attempt == Attempts().end() || attempt->argument_count != arguments.size()) Usage();
    ::alarm(kTimeLimitSeconds);
    husk::confine::Tracee thread(std::atoi(argv[1]));
    if (!attempt->keep_limits) thread.RaiseDescriptorLimit();
    const husk::confine::Step step = attempt->make(thread, arguments);
    std::printf("%s: %s\n", step.call, step.outcome.Text().c_str());
    return 0;
}
