// Unpacking makes no system call of its own: with the libraries loaded and the role's heap reserved, nothing is left to
// ask the kernel for. In builds with sanitizers the heap is malloc's.
#ifndef HUSK_SANITIZED

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstddef>
#include <cstdlib>

#include "boot/nixos/initrd/codec.h"
#include "boot/nixos/initrd/initrd_facts.h"
#include "boot/nixos/initrd/kernel_facts.h"
#include "tests/unit/nixos_initrd_builder.h"
#include "vmm/base/role_heap.h"

namespace husk {
namespace {

using testing::Bytes;
using testing::BytesOfText;
using testing::CpioBuilder;
using testing::Gzip;
using testing::Libraries;
using testing::operator+;
using testing::Xz;
using testing::Zstd;

// Kills the process at any call but those with which it reads, and leaves.
bool Seal() {
    constexpr std::array kAllowed = {SYS_pread64, SYS_write, SYS_exit_group};
    std::vector<sock_filter> program = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))};
    for (const long number : kAllowed) {
        program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(number), 0, 1));
        program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    }
    program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS));
    const sock_fprog filter{.len = static_cast<unsigned short>(program.size()), .filter = program.data()};
    return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

constexpr std::size_t kHeapBytes = 512U << 20;  // as much as the reader has

// The status of a sealed child that leaves with 0 when `body` is true.
template <typename Body>
int InSealedChild(Body body) {
    const pid_t child = ::fork();
    if (child == 0) {
        const bool sealed = ReserveRoleHeap(kHeapBytes, std::abort).has_value() && Seal();
        ::syscall(SYS_exit_group, sealed && body() ? 0 : 1);
    }
    int status = -1;
    ::waitpid(child, &status, 0);
    return status;
}

TEST(InitrdSealed, EveryFormatIsUnpackedWithinTheHeap) {
    const auto& libraries = Libraries();
    const Bytes plain = CpioBuilder().File("a", std::string(3U << 20, 'x')).File("init", "#!/bin/sh").Trailer().Build();
    const Bytes initrd = plain + Gzip(plain) + Xz(plain, 128U << 20) + Zstd(plain, kZstdWindowLog) + Xz(plain);
    EXPECT_EQ(InSealedChild([&] {
                  const auto facts = ReadInitrd(SpanSource(initrd), libraries);
                  return facts && facts->Whole() && facts->archives.size() == 5;
              }),
              0);
}

TEST(InitrdSealed, KernelsConfigurationIsReadWithinTheHeap) {
    const auto& libraries = Libraries();
    const Bytes kernel = BytesOfText(
                             "\x7f"
                             "ELF IKCFG_ST") +
                         Gzip(BytesOfText("CONFIG_ACPI=y\n"));
    EXPECT_EQ(InSealedChild([&] {
                  const auto facts = ReadKernel(SpanSource(kernel), libraries);
                  return facts && facts->config && facts->config->Get("ACPI") == KernelOption::kBuiltIn;
              }),
              0);
}

TEST(InitrdSealed, AnyOtherCallKills) {
    const int status = InSealedChild([] { return ::syscall(SYS_openat, AT_FDCWD, "/", O_RDONLY) >= 0; });
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
}

}  // namespace
}  // namespace husk

#endif
