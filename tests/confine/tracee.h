// A thread of another process, stopped by ptrace(2) and made to execute system calls as if its own program had been
// taken over: with its own credentials, filters and namespaces. Needs to be root, outside of what confines the thread.
#pragma once

#include <sys/types.h>
#include <sys/user.h>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>

namespace husk::confine {

// What became of one system call.
struct Outcome {
    enum class Kind : std::uint8_t {
        kReturned,  // value: what it returned
        kFailed,    // value: an errno
        kExecuted,  // the process runs another program, and was killed for it
        kKilled,    // value: the signal that the process dies of
    };
    Kind kind;
    long value;

    [[nodiscard]] bool Returned() const { return kind == Kind::kReturned; }
    [[nodiscard]] std::string Text() const;  // "returned 3", "EACCES", "executed", "SIGSYS"
};

// How to enter the kernel.
enum class Entry : std::uint8_t { kSyscall, kInt80 };

// Failures of the probe itself end the program with status 2 and a sentence.
class Tracee {
 public:
    explicit Tracee(pid_t thread);
    Tracee(const Tracee&) = delete;
    Tracee& operator=(const Tracee&) = delete;
    // The thread goes on where it was, a call that was interrupted included; one that dies, dies.
    ~Tracee();

    // As many descriptors as its hard limit has room for, instead of as many as it needed.
    void RaiseDescriptorLimit() const;
    // Of descriptors: the hard limit.
    [[nodiscard]] std::uint64_t HardDescriptorLimit() const;

    // `number` with up to six arguments. No further call once the outcome is kExecuted or kKilled.
    Outcome Call(long number, std::initializer_list<std::uint64_t> arguments, Entry entry = Entry::kSyscall);

    // Copies bytes below the thread's stack pointer; their address there.
    std::uint64_t Place(std::span<const std::byte> bytes);
    std::uint64_t PlaceText(const std::string& text);
    template <typename T>
    std::uint64_t PlaceValue(const T& value) {
        return Place(std::as_bytes(std::span(&value, 1)));
    }
    void Fetch(std::uint64_t from, std::span<std::byte> bytes) const;
    // A page of its memory that it may write.
    [[nodiscard]] std::uint64_t WritablePage() const;

 private:
    enum class State : std::uint8_t { kStopped, kGone };

    [[nodiscard]] std::uint64_t FindInstruction(Entry entry) const;
    [[nodiscard]] user_regs_struct Registers() const;
    void SetRegisters(const user_regs_struct& registers) const;
    [[nodiscard]] int WaitForStop();
    [[nodiscard]] std::optional<Outcome> Judge(int status, int& syscall_stops);
    [[nodiscard]] Outcome DieOfSigsys();
    [[nodiscard]] bool SigsysIsPending() const;
    void KillChild() const;

    pid_t thread_;
    user_regs_struct before_{};
    std::uint64_t free_below_ = 0;
    State state_ = State::kStopped;
};

// Ends the program with status 2.
[[noreturn]] void Die(const std::string& what);

}  // namespace husk::confine
