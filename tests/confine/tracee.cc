#include "tests/confine/tracee.h"

#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <vector>

namespace husk::confine {
namespace {

constexpr int kSyscallStop = SIGTRAP | 0x80;  // with PTRACE_O_TRACESYSGOOD
constexpr int kBySeccomp = 1;                 // SYS_SECCOMP
constexpr std::uint64_t kRedZone = 128;
constexpr std::uint64_t kPage = 4096;

long Request(__ptrace_request request, pid_t thread, std::uint64_t address, const void* data, const char* what) {
    const long result = ::ptrace(request, thread, address, data);
    if (result < 0) Die(std::string(what) + ": " + std::strerror(errno));
    return result;
}

const void* AsPointer(std::uint64_t number) { return reinterpret_cast<const void*>(number); }

// What the kernel leaves in rax when a stop interrupted a call that is to be made again.
bool WantsRestart(const user_regs_struct& registers) {
    constexpr std::array kRestarts{512L, 513L, 514L, 516L};
    return static_cast<long>(registers.orig_rax) >= 0 &&
           std::ranges::find(kRestarts, -static_cast<long>(registers.rax)) != kRestarts.end();
}

}  // namespace

void Die(const std::string& what) {
    std::fprintf(stderr, "confine_probe: %s\n", what.c_str());
    std::exit(2);
}

std::string Outcome::Text() const {
    switch (kind) {
        case Kind::kReturned:
            return "returned " + std::to_string(value);
        case Kind::kFailed:
            break;
        case Kind::kExecuted:
            return "executed";
        case Kind::kKilled:
            return std::string("SIG") + ::sigabbrev_np(static_cast<int>(value));
    }
    const char* const name = ::strerrorname_np(static_cast<int>(value));
    return name != nullptr ? name : "errno " + std::to_string(value);
}

Tracee::Tracee(pid_t thread) : thread_(thread) {
    const std::uint64_t options =
        PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK;
    Request(PTRACE_SEIZE, thread_, 0, AsPointer(options), "cannot attach");
    Request(PTRACE_INTERRUPT, thread_, 0, nullptr, "cannot stop the thread");
    const int status = WaitForStop();
    if (!WIFSTOPPED(status)) Die("the thread died before it could be used");
    before_ = Registers();
    free_below_ = (before_.rsp - kRedZone) & ~std::uint64_t{63};
}

Tracee::~Tracee() {
    if (state_ == State::kGone) return;
    user_regs_struct registers = before_;
    if (WantsRestart(registers)) {
        registers.rip -= 2;  // the syscall instruction
        registers.rax = registers.orig_rax;
        registers.orig_rax = ~0ULL;
    }
    SetRegisters(registers);
    Request(PTRACE_DETACH, thread_, 0, nullptr, "cannot detach");
}

void Tracee::RaiseDescriptorLimit() const {
    const std::uint64_t most = HardDescriptorLimit();
    const rlimit limit{most, most};
    if (::prlimit(thread_, RLIMIT_NOFILE, &limit, nullptr) != 0) Die("cannot change the thread's limits");
}

std::uint64_t Tracee::HardDescriptorLimit() const {
    rlimit limit{};
    if (::prlimit(thread_, RLIMIT_NOFILE, nullptr, &limit) != 0) Die("cannot read the thread's limits");
    return limit.rlim_max;
}

Outcome Tracee::Call(long number, std::initializer_list<std::uint64_t> arguments, Entry entry) {
    if (state_ == State::kGone) Die("the thread is gone");
    std::array<std::uint64_t, 6> argument{};
    std::ranges::copy(arguments, argument.begin());
    user_regs_struct registers = before_;
    registers.rip = FindInstruction(entry);
    registers.rax = static_cast<std::uint64_t>(number);
    registers.orig_rax = ~0ULL;  // nothing to restart
    registers.rdi = argument[0];
    registers.rsi = argument[1];
    registers.rdx = argument[2];
    registers.r10 = argument[3];
    registers.r8 = argument[4];
    registers.r9 = argument[5];
    SetRegisters(registers);
    for (int syscall_stops = 0;;) {
        Request(PTRACE_SYSCALL, thread_, 0, nullptr, "cannot let the thread go on");
        if (const auto outcome = Judge(WaitForStop(), syscall_stops)) return *outcome;
    }
}

// The outcome, once there is one.
std::optional<Outcome> Tracee::Judge(int status, int& syscall_stops) {
    if (WIFSIGNALED(status)) {
        state_ = State::kGone;
        return Outcome{Outcome::Kind::kKilled, WTERMSIG(status)};
    }
    if (!WIFSTOPPED(status)) Die("the thread left");
    switch (status >> 16) {
        case 0:
            break;
        case PTRACE_EVENT_EXEC:
            ::kill(thread_, SIGKILL);
            state_ = State::kGone;
            return Outcome{Outcome::Kind::kExecuted, 0};
        case PTRACE_EVENT_FORK:
        case PTRACE_EVENT_VFORK:
        case PTRACE_EVENT_CLONE:
            KillChild();
            return std::nullopt;
        default:
            return std::nullopt;
    }
    if (WSTOPSIG(status) != kSyscallStop) return std::nullopt;  // a signal: held back
    if (++syscall_stops < 2) return std::nullopt;
    if (SigsysIsPending()) return DieOfSigsys();
    const long result = static_cast<long>(Registers().rax);
    if (result < 0 && result > -4096) return Outcome{Outcome::Kind::kFailed, -result};
    return Outcome{Outcome::Kind::kReturned, result};
}

// A filter's trap: the signal waits for the way back from the kernel.
bool Tracee::SigsysIsPending() const {
    const __ptrace_peeksiginfo_args all{.off = 0, .flags = 0, .nr = 8};
    std::array<siginfo_t, 8> pending{};
    const long count = ::ptrace(PTRACE_PEEKSIGINFO, thread_, &all, pending.data());
    return count > 0 && std::any_of(pending.begin(), pending.begin() + count, [](const siginfo_t& signal) {
               return signal.si_signo == SIGSYS && signal.si_code == kBySeccomp;
           });
}

// Lets the trap take its course: the role's own handler reports it, then the process dies.
Outcome Tracee::DieOfSigsys() {
    int status = 0;
    do {
        Request(PTRACE_CONT, thread_, 0, nullptr, "cannot let the thread go on");
        status = WaitForStop();
        if (WIFSIGNALED(status)) {  // at once: what filters do to calls of other architectures
            state_ = State::kGone;
            return {Outcome::Kind::kKilled, WTERMSIG(status)};
        }
        if (!WIFSTOPPED(status)) Die("the thread left before its signal came");
    } while (WSTOPSIG(status) != SIGSYS);
    state_ = State::kGone;
    Request(PTRACE_DETACH, thread_, 0, AsPointer(SIGSYS), "cannot detach");
    return {Outcome::Kind::kKilled, SIGSYS};
}

// What a successful clone made would run on with our registers.
void Tracee::KillChild() const {
    unsigned long child = 0;
    Request(PTRACE_GETEVENTMSG, thread_, 0, &child, "cannot learn of the child");
    ::kill(static_cast<pid_t>(child), SIGKILL);
    while (::waitpid(static_cast<pid_t>(child), nullptr, __WALL) >= 0) {
    }
}

std::uint64_t Tracee::Place(std::span<const std::byte> bytes) {
    free_below_ = (free_below_ - bytes.size()) & ~std::uint64_t{15};
    std::vector<std::byte> copy(bytes.begin(), bytes.end());
    const iovec local{copy.data(), copy.size()};
    const iovec remote{reinterpret_cast<void*>(free_below_), copy.size()};
    if (::process_vm_writev(thread_, &local, 1, &remote, 1, 0) != static_cast<ssize_t>(copy.size())) {
        Die(std::string("cannot write to the thread's stack: ") + std::strerror(errno));
    }
    return free_below_;
}

std::uint64_t Tracee::PlaceText(const std::string& text) {
    return Place(std::as_bytes(std::span(text.c_str(), text.size() + 1)));
}

void Tracee::Fetch(std::uint64_t from, std::span<std::byte> bytes) const {
    const iovec local{bytes.data(), bytes.size()};
    const iovec remote{reinterpret_cast<void*>(from), bytes.size()};
    if (::process_vm_readv(thread_, &local, 1, &remote, 1, 0) != static_cast<ssize_t>(bytes.size())) {
        Die(std::string("cannot read the thread's memory: ") + std::strerror(errno));
    }
}

std::uint64_t Tracee::WritablePage() const { return free_below_ & ~(kPage - 1); }

// Any place in the thread's own program where these two bytes are; nothing is written to its code.
std::uint64_t Tracee::FindInstruction(Entry entry) const {
    const std::array wanted = entry == Entry::kSyscall ? std::array{std::byte{0x0f}, std::byte{0x05}}
                                                       : std::array{std::byte{0xcd}, std::byte{0x80}};
    std::ifstream maps("/proc/" + std::to_string(thread_) + "/maps");
    for (std::string line; std::getline(maps, line);) {
        if (line.find(" r-xp ") == std::string::npos || line.find("[v") != std::string::npos) continue;
        std::istringstream words(line);
        std::uint64_t begin = 0;
        std::uint64_t end = 0;
        char dash = 0;
        words >> std::hex >> begin >> dash >> end;
        std::vector<std::byte> code(end - begin);
        Fetch(begin, code);
        const auto found = std::ranges::search(code, wanted);
        if (!found.empty()) return begin + static_cast<std::uint64_t>(found.begin() - code.begin());
    }
    Die("the thread's program has no such instruction");
}

user_regs_struct Tracee::Registers() const {
    user_regs_struct registers{};
    Request(PTRACE_GETREGS, thread_, 0, &registers, "cannot read registers");
    return registers;
}

void Tracee::SetRegisters(const user_regs_struct& registers) const {
    Request(PTRACE_SETREGS, thread_, 0, &registers, "cannot set registers");
}

// An exec by a thread that is not the first gives it the number of the first. A child of a clone may stop before its
// parent does; it stays there until KillChild(), or it would run on with our registers.
int Tracee::WaitForStop() {
    const auto is_child = [this](pid_t who, int status) {
        return who != thread_ && WIFSTOPPED(status) && status >> 16 == PTRACE_EVENT_STOP;
    };
    int status = 0;
    pid_t who = -1;
    do {
        who = ::waitpid(-1, &status, __WALL);
    } while (who < 0 ? errno == EINTR : is_child(who, status));
    if (who < 0) Die(std::string("cannot wait: ") + std::strerror(errno));
    thread_ = who;
    return status;
}

}  // namespace husk::confine
