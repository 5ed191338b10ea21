// The kernel's classic BPF machine for seccomp, as far as compiled filters use it: what a program answers to a system
// call, without making the call.
#pragma once

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <stdexcept>
#include <string>

#include "sandbox/seccomp/rule.h"

namespace husk::testing {

struct BpfVerdict {
    std::uint32_t action = 0;      // SECCOMP_RET_...
    std::size_t instructions = 0;  // that were run, the last one included

    [[nodiscard]] bool Allows() const { return action == SECCOMP_RET_ALLOW; }
    [[nodiscard]] bool Traps() const { return action == SECCOMP_RET_TRAP; }
    [[nodiscard]] bool Kills() const { return action == SECCOMP_RET_KILL_PROCESS; }
};

// Throws on what the kernel would not load, or what this machine does not know.
class BpfMachine {
 public:
    explicit BpfMachine(std::span<const sock_filter> program) : program_(program) {}

    [[nodiscard]] BpfVerdict Run(int syscall, const SyscallArguments& arguments,
                                 std::uint32_t architecture = AUDIT_ARCH_X86_64) const {
        seccomp_data data{};
        data.nr = syscall;
        data.arch = architecture;
        for (std::size_t index = 0; index < arguments.size(); ++index) data.args[index] = arguments[index];
        return Run(data);
    }

 private:
    [[nodiscard]] BpfVerdict Run(const seccomp_data& data) const {
        std::uint32_t accumulator = 0;
        std::size_t instructions = 0;
        for (std::size_t at = 0;;) {
            const sock_filter& instruction = program_.size() > at ? program_[at] : Refuse("runs off its end");
            ++instructions;
            ++at;
            switch (instruction.code) {
                case BPF_LD | BPF_W | BPF_ABS:
                    accumulator = Load(data, instruction.k);
                    break;
                case BPF_JMP | BPF_JA:
                    at += instruction.k;
                    break;
                case BPF_JMP | BPF_JEQ | BPF_K:
                    at += accumulator == instruction.k ? instruction.jt : instruction.jf;
                    break;
                case BPF_JMP | BPF_JGE | BPF_K:
                    at += accumulator >= instruction.k ? instruction.jt : instruction.jf;
                    break;
                case BPF_JMP | BPF_JGT | BPF_K:
                    at += accumulator > instruction.k ? instruction.jt : instruction.jf;
                    break;
                case BPF_RET | BPF_K:
                    return {instruction.k, instructions};
                default:
                    Refuse("has an instruction this machine does not know: " + std::to_string(instruction.code));
            }
        }
    }

    static std::uint32_t Load(const seccomp_data& data, std::uint32_t offset) {
        std::uint32_t word = 0;
        if (offset % sizeof word != 0 || offset > sizeof data - sizeof word) Refuse("loads from outside");
        std::memcpy(&word, reinterpret_cast<const std::byte*>(&data) + offset, sizeof word);
        return word;
    }

    [[noreturn]] static const sock_filter& Refuse(const std::string& why) {
        throw std::logic_error("the program " + why);
    }

    std::span<const sock_filter> program_;
};

}  // namespace husk::testing
