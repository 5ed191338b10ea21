// The compiled programs against their tables: every system call, and every checked argument bent.
#include <gtest/gtest.h>
#include <sys/syscall.h>

#include <random>
#include <set>

#include "tests/unit/seccomp_programs.h"
#include "vmm/kvm/sealed_requests.h"
#include "vmm/roles/slots.h"

namespace husk {
namespace {

using testing::AllThreads;
using testing::BpfMachine;
using testing::BpfVerdict;
using testing::SealedThread;
using testing::ThreadKinds;

constexpr int kEnd = 1024;  // of the numbers that are tried
constexpr std::uint32_t kX32Bit = 0x4000'0000;
constexpr std::uint64_t kNoise = 0xdead'beef'dead'beef;
constexpr SyscallArguments kAllNoise{kNoise, kNoise, kNoise, kNoise, kNoise, kNoise};

std::string Describe(const SealedThread& thread, int syscall, const SyscallArguments& arguments) {
    std::string text = thread.name + ": system call " + std::to_string(syscall) + " (";
    for (const std::uint64_t argument : arguments) text += std::to_string(argument) + " ";
    return text + ")";
}

// Allowed exactly where the table says so, trapped elsewhere.
void ExpectAsInTable(const SealedThread& thread, int syscall, const SyscallArguments& arguments) {
    const BpfVerdict verdict = thread.Run(syscall, arguments);
    const std::uint32_t wanted =
        thread.table.Allows(syscall, arguments) ? SECCOMP_RET_ALLOW : std::uint32_t{SECCOMP_RET_TRAP};
    ASSERT_EQ(verdict.action, wanted) << Describe(thread, syscall, arguments);
}

// Arguments that the row allows; those it does not check are noise.
SyscallArguments Fitting(const SyscallRule& rule) {
    SyscallArguments arguments = kAllNoise;
    for (const ArgumentCheck& check : rule.Checks()) arguments[check.argument] = check.value;
    return arguments;
}

TEST(SeccompFilters, EverySystemCallIsAllowedExactlyWhereTheTableSaysSo) {
    for (const SealedThread& thread : AllThreads()) {
        for (int number = -1; number < kEnd; ++number) {
            ASSERT_NO_FATAL_FAILURE(ExpectAsInTable(thread, number, {}));
            ASSERT_NO_FATAL_FAILURE(ExpectAsInTable(thread, number, kAllNoise));
        }
        ASSERT_NO_FATAL_FAILURE(ExpectAsInTable(thread, 0x3fff'ffff, {}));
    }
}

// A number that slips through is let off by the arguments of another: every number is tried with those of every row.
TEST(SeccompFilters, NoSystemCallPassesWithTheArgumentsOfAnother) {
    for (const SealedThread& thread : ThreadKinds()) {
        for (const SyscallRule& rule : thread.table.Rules()) {
            const SyscallArguments arguments = Fitting(rule);
            for (int number = -1; number < kEnd; ++number) {
                ASSERT_NO_FATAL_FAILURE(ExpectAsInTable(thread, number, arguments));
            }
        }
    }
}

TEST(SeccompFilters, EveryRowOfEveryTableIsAllowed) {
    for (const SealedThread& thread : AllThreads()) {
        for (const SyscallRule& rule : thread.table.Rules()) {
            ASSERT_TRUE(thread.Run(rule.call.number, Fitting(rule)).Allows())
                << Describe(thread, rule.call.number, Fitting(rule));
        }
    }
}

TEST(SeccompFilters, CallsOfOtherArchitecturesKill) {
    for (const SealedThread& thread : AllThreads()) {
        const BpfMachine machine(thread.program);
        for (int number = -1; number < kEnd; ++number) {
            ASSERT_TRUE(machine.Run(number, {}, AUDIT_ARCH_I386).Kills()) << thread.name << number;
            ASSERT_TRUE(machine.Run(number, {}, AUDIT_ARCH_AARCH64).Kills()) << thread.name << number;
        }
    }
}

TEST(SeccompFilters, CallsOfX32Kill) {
    for (const SealedThread& thread : AllThreads()) {
        for (int number = 0; number < kEnd; ++number) {
            const int x32 = static_cast<int>(kX32Bit | static_cast<std::uint32_t>(number));
            ASSERT_TRUE(thread.Run(x32, {}).Kills()) << thread.name << number;
            ASSERT_TRUE(thread.Run(x32, kAllNoise).Kills()) << thread.name << number;
        }
        for (const SyscallRule& rule : thread.table.Rules()) {
            const int x32 = static_cast<int>(kX32Bit | static_cast<std::uint32_t>(rule.call.number));
            ASSERT_TRUE(thread.Run(x32, Fitting(rule)).Kills()) << thread.name << rule.call.name;
        }
    }
}

TEST(SeccompFilters, HighBitsOfACheckedArgumentAreRefused) {
    for (const SealedThread& thread : AllThreads()) {
        for (const SyscallRule& rule : thread.table.Rules()) {
            for (const ArgumentCheck& check : rule.Checks()) {
                for (int bit = 32; bit < 64; ++bit) {
                    SyscallArguments arguments = Fitting(rule);
                    arguments[check.argument] ^= 1ULL << bit;
                    ASSERT_TRUE(thread.Run(rule.call.number, arguments).Traps())
                        << Describe(thread, rule.call.number, arguments);
                }
            }
        }
    }
}

TEST(SeccompFilters, NeighboursOfACheckedArgumentAreAsInTheTable) {
    for (const SealedThread& thread : AllThreads()) {
        for (const SyscallRule& rule : thread.table.Rules()) {
            for (const ArgumentCheck& check : rule.Checks()) {
                SyscallArguments arguments = Fitting(rule);
                for (const std::uint64_t bent : {check.value - 1, check.value + 1, ~check.value, -check.value,
                                                 check.value << 32, check.value ^ 0x8000'0000}) {
                    arguments[check.argument] = bent;
                    ASSERT_NO_FATAL_FAILURE(ExpectAsInTable(thread, rule.call.number, arguments));
                }
            }
        }
    }
}

TEST(SeccompFilters, EveryOtherSlotIsAsInTheTable) {
    for (const SealedThread& thread : AllThreads()) {
        for (const SyscallRule& rule : thread.table.Rules()) {
            for (const ArgumentCheck& check : rule.Checks()) {
                SyscallArguments arguments = Fitting(rule);
                for (std::uint64_t slot = 0; slot < 256; ++slot) {
                    arguments[check.argument] = slot;
                    ASSERT_NO_FATAL_FAILURE(ExpectAsInTable(thread, rule.call.number, arguments));
                }
            }
        }
    }
}

// Rows share branches in the program: one row's descriptor with another's request must not pass.
TEST(SeccompFilters, ArgumentsMixedFromDifferentRowsAreAsInTheTable) {
    std::mt19937_64 random(4);  // NOLINT: the same values in every run
    for (const SealedThread& thread : ThreadKinds()) {
        std::set<std::uint64_t> values{0, 1, 2, 43, 255, kNoise};
        for (const SyscallRule& rule : thread.table.Rules()) {
            for (const ArgumentCheck& check : rule.Checks()) {
                values.insert({check.value, check.value + 1, check.value | (1ULL << 32)});
            }
        }
        const std::vector<std::uint64_t> pool(values.begin(), values.end());
        for (const SyscallRule& rule : thread.table.Rules()) {
            for (int round = 0; round < 3000; ++round) {
                SyscallArguments arguments{};
                for (std::uint64_t& argument : arguments) argument = pool[random() % pool.size()];
                ASSERT_NO_FATAL_FAILURE(ExpectAsInTable(thread, rule.call.number, arguments));
            }
        }
    }
}

// Two loads and comparisons for the architecture and the number, one for x32, two for each of three arguments.
TEST(SeccompFilters, RunningTheGuestIsDecidedFirst) {
    constexpr std::size_t kFewest = 2 * 2 + 1 + 3 * 4 + 1;
    for (std::uint32_t vcpu = 0; vcpu < kMaxVcpus; ++vcpu) {
        const BpfVerdict verdict =
            BpfMachine(filters::Vcpu(vcpu))
                .Run(SYS_ioctl,
                     {static_cast<std::uint64_t>(vmm_slot::Vcpu(static_cast<int>(vcpu))), sealed_requests::kRun, 0});
        EXPECT_TRUE(verdict.Allows());
        EXPECT_LE(verdict.instructions, kFewest) << vcpu;
    }
}

}  // namespace
}  // namespace husk
