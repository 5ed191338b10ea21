#include "benchmarks/run_loop/instruction_count.h"

#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <map>

namespace husk::bench {
namespace {

// Steps of a child that stops itself before and after `work(count)`.
std::int64_t StepsOf(const std::function<void(std::uint64_t)>& work, std::uint64_t count) {
    const pid_t child = ::fork();
    if (child < 0) return -1;
    if (child == 0) {
        if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(1);
        work(1);  // what happens once only
        ::raise(SIGSTOP);
        work(count);
        ::raise(SIGUSR1);
        ::_exit(0);
    }
    int status = 0;
    if (::waitpid(child, &status, 0) != child || !WIFSTOPPED(status)) return -1;
    std::int64_t steps = 0;
    for (;; ++steps) {
        if (::ptrace(PTRACE_SINGLESTEP, child, nullptr, nullptr) != 0) return -1;
        if (::waitpid(child, &status, 0) != child || !WIFSTOPPED(status)) return -1;
        if (WSTOPSIG(status) != SIGTRAP) break;
    }
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    return steps;
}

}  // namespace

double InstructionsPerTurn(const std::string& name, const std::function<void(std::uint64_t)>& work,
                           std::uint64_t count) {
    static std::map<std::string, double> known;
    const auto [entry, is_new] = known.try_emplace(name, -1);
    if (!is_new) return entry->second;
    const std::int64_t less = StepsOf(work, count);
    const std::int64_t more = StepsOf(work, 2 * count);
    if (less >= 0 && more >= 0) entry->second = static_cast<double>(more - less) / static_cast<double>(count);
    return entry->second;
}

}  // namespace husk::bench
