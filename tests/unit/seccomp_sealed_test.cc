// The filters in force: forked children seal themselves and try something.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/audit.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "sandbox/seccomp/install.h"
#include "sandbox/seccomp/violation.h"
#include "vmm/base/bytes.h"
#include "vmm/base/scoped_fd.h"
#include "vmm/roles/filters/filters.h"
#include "vmm/roles/slots.h"

namespace husk {
namespace {

constexpr long kDisk = blk_slot::kDisk;
constexpr std::uint64_t kMagic = 0x6b73'7568;  // where a message has its type

struct Message {
    std::uint64_t magic = kMagic;
    SyscallViolation violation;
};

// How a child ended, and what it wrote to its launcher.
struct Child {
    int status = 0;
    std::vector<Message> reports;

    [[nodiscard]] bool Left() const { return WIFEXITED(status) && WEXITSTATUS(status) == 0; }
    [[nodiscard]] bool DiedOf(int signal) const { return WIFSIGNALED(status) && WTERMSIG(status) == signal; }
    // By SIGSYS, after it said which call.
    [[nodiscard]] ::testing::AssertionResult DiedOfCall(std::uint32_t number) const {
        if (!DiedOf(SIGSYS)) return ::testing::AssertionFailure() << "status " << status;
        if (reports.size() != 1) return ::testing::AssertionFailure() << reports.size() << " reports";
        const Message& report = reports.front();
        if (report.magic != kMagic || report.violation.architecture != AUDIT_ARCH_X86_64)
            return ::testing::AssertionFailure() << "a garbled report";
        if (report.violation.number != number)
            return ::testing::AssertionFailure() << "reports " << report.violation.number;
        return ::testing::AssertionSuccess();
    }
};

[[noreturn]] void Leave(long status) {
    ::syscall(SYS_exit_group, status);
    __builtin_trap();
}

// In a child: leaves with `status` unless all is well.
void Must(bool well, long status) {
    if (!well) Leave(status);
}

// A child with a disk and a launcher on their slots, ready to be sealed.
bool PrepareRole(const ScopedFd& launcher) {
    const int disk = ::memfd_create("disk", 0);
    const bool placed = ::dup2(launcher.Get(), blk_slot::kLauncher) >= 0 && ::dup2(disk, blk_slot::kDisk) >= 0 &&
                        ::ftruncate(blk_slot::kDisk, 4096) == 0;
    return placed && ::prctl(PR_SET_DUMPABLE, 0) == 0 && ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           ReportViolations(blk_slot::kLauncher, BytesOf(Message{}), offsetof(Message, violation)).has_value();
}

template <typename Body>
Child InChild(Body body) {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const ScopedFd read(ends[0]);
    ScopedFd write(ends[1]);
    const pid_t pid = ::fork();
    if (pid == 0) {
        if (!PrepareRole(write)) Leave(100);
        body();
        Leave(0);
    }
    write.Reset();
    Child child;
    for (Message message; ::read(read.Get(), &message, sizeof message) == ssize_t{sizeof message};) {
        child.reports.push_back(message);
    }
    EXPECT_EQ(::waitpid(pid, &child.status, 0), pid);
    return child;
}

// The same under a filter.
template <typename Body>
Child Sealed(std::span<const sock_filter> program, Body body) {
    return InChild([&] {
        Must(InstallFilter(program).has_value(), 101);
        body();
    });
}

char buffer[16] = "bytes";
const iovec kVector{buffer, sizeof buffer};

long WriteAt(long fd, long flags = 0) { return ::syscall(SYS_pwritev2, fd, &kVector, 1L, 0L, 0L, flags); }

TEST(SealedThread, AllowedCallsWork) {
    const Child child = Sealed(filters::BlkPool(), [] {
        Must(WriteAt(kDisk) == sizeof buffer, 1);
        Must(::syscall(SYS_preadv2, kDisk, &kVector, 1L, 0L, 0L, 0L) == sizeof buffer, 2);
        Must(::syscall(SYS_fdatasync, kDisk) == 0, 3);
    });
    EXPECT_TRUE(child.Left()) << child.status;
    EXPECT_TRUE(child.reports.empty());
}

TEST(SealedThread, ForbiddenCallIsReportedAndDeadly) {
    const auto open = [] { ::syscall(SYS_openat, long{AT_FDCWD}, "/dev/null", long{O_RDONLY}); };
    EXPECT_TRUE(Sealed(filters::BlkLoop(), open).DiedOfCall(SYS_openat));
    EXPECT_TRUE(Sealed(filters::BlkPool(), open).DiedOfCall(SYS_openat));
    EXPECT_TRUE(Sealed(filters::Console(), open).DiedOfCall(SYS_openat));
    EXPECT_TRUE(Sealed(filters::Reader(), open).DiedOf(SIGSYS));
    EXPECT_TRUE(Sealed(filters::Control(), open).DiedOfCall(SYS_openat));
    EXPECT_TRUE(Sealed(filters::Vcpu(0), open).DiedOfCall(SYS_openat));
    EXPECT_TRUE(InChild(open).Left());
}

TEST(SealedThread, ReportSaysWithWhatArguments) {
    const Child child = Sealed(filters::BlkLoop(), [] { ::syscall(SYS_socket, 1L, 2L, 3L, 4L, 5L, 6L); });
    ASSERT_TRUE(child.DiedOfCall(SYS_socket));
    EXPECT_EQ(child.reports.front().violation.arguments, (std::array<std::uint64_t, 6>{1, 2, 3, 4, 5, 6}));
}

TEST(SealedThread, AllowedCallOnAnotherDescriptorIsDeadly) {
    EXPECT_TRUE(Sealed(filters::BlkLoop(), [] { WriteAt(kDisk + 1); }).DiedOfCall(SYS_pwritev2));
    EXPECT_TRUE(Sealed(filters::BlkLoop(), [] { WriteAt(kDisk | 1L << 32); }).DiedOfCall(SYS_pwritev2));
    EXPECT_TRUE(Sealed(filters::BlkLoop(), [] { ::syscall(SYS_write, kDisk, buffer, 1L); }).DiedOfCall(SYS_write));
}

TEST(SealedThread, AllowedCallWithOtherFlagsIsDeadly) {
    EXPECT_TRUE(Sealed(filters::BlkLoop(), [] { WriteAt(kDisk, RWF_APPEND); }).DiedOfCall(SYS_pwritev2));
}

TEST(SealedThread, AnotherVcpusDescriptorIsDeadly) {
    EXPECT_TRUE(Sealed(filters::Vcpu(1), [] { ::syscall(SYS_ioctl, long{vmm_slot::Vcpu(1)}, 0xae80L, 0L); }).Left());
    EXPECT_TRUE(Sealed(filters::Vcpu(1), [] {
                    ::syscall(SYS_ioctl, long{vmm_slot::Vcpu(0)}, 0xae80L, 0L);
                }).DiedOfCall(SYS_ioctl));
}

TEST(SealedThread, ExecutableMemoryIsDeadly) {
    constexpr long kExecutable = PROT_READ | PROT_EXEC;
    const Child child =
        Sealed(filters::Vcpu(0), [] { ::syscall(SYS_pkey_mprotect, buffer, sizeof buffer, kExecutable, -1L); });
    EXPECT_TRUE(child.DiedOfCall(SYS_pkey_mprotect));
}

// The 32-bit way into the kernel. Where the kernel has none, it is as deadly by itself (SIGSEGV).
TEST(SealedThread, Int80IsDeadly) {
    const Child child = Sealed(filters::BlkLoop(), [] {
        long number = 20;  // getpid there; writev, which no table has either, on x86-64
        asm volatile("int $0x80" : "+a"(number) : : "r8", "r9", "r10", "r11", "memory");
    });
    EXPECT_TRUE(WIFSIGNALED(child.status)) << child.status;
    EXPECT_TRUE(child.reports.empty());
}

TEST(SealedThread, X32IsDeadly) {
    const auto call = [] { ::syscall(0x4000'0000L | SYS_exit_group, 0L); };
    const Child child = Sealed(filters::BlkLoop(), call);
    EXPECT_TRUE(child.DiedOf(SIGSYS)) << child.status;
    EXPECT_TRUE(child.reports.empty());
}

TEST(SealedThread, SecondViolationFindsNoHandler) {
    const Child child = Sealed(filters::BlkLoop(), [] {
        ::syscall(SYS_close, long{blk_slot::kLauncher});
        ::syscall(SYS_openat, long{AT_FDCWD}, "/dev/null", long{O_RDONLY});
    });
    EXPECT_TRUE(child.DiedOfCall(SYS_close));
}

TEST(SealedThread, DiesAsWellWhenItsReportCannotBeWritten) {
    const Child child = InChild([] {
        ::close(blk_slot::kLauncher);
        Must(InstallFilter(filters::BlkLoop()).has_value(), 101);
        ::syscall(SYS_socket, 1L, 1L, 0L);
    });
    EXPECT_TRUE(child.DiedOf(SIGSYS)) << child.status;
    EXPECT_TRUE(child.reports.empty());
}

// Of which signal depends: the first process of a PID namespace, and ThreadSanitizer, do not take one that they send
// themselves.
TEST(SealedThread, SignalFromElsewhereIsDeadlyWithoutAReport) {
    const Child child = InChild([] { ::kill(::getpid(), SIGSYS); });
    EXPECT_TRUE(WIFSIGNALED(child.status)) << child.status;
    EXPECT_TRUE(child.reports.empty());
}

TEST(SealedThread, EachThreadHasItsOwnFilterAndOneTakesAllWithIt) {
    const Child child = InChild([] {
        std::thread pool([] {
            Must(InstallFilter(filters::BlkPool()).has_value(), 101);
            Must(WriteAt(kDisk) == sizeof buffer, 1);
            ::syscall(SYS_poll, nullptr, 0L, 0L);  // the loop's, not the pool's
            Leave(2);
        });
        for (;;) ::syscall(SYS_poll, nullptr, 0L, 1000L);
    });
    EXPECT_TRUE(child.DiedOfCall(SYS_poll));
}

TEST(InstallFilter, ProgramTheKernelRefusesIsAnError) {
    const Child child = InChild([] {
        const sock_filter unloadable[] = {{0xffff, 0, 0, 0}};
        Must(!InstallFilter(unloadable).has_value(), 1);
    });
    EXPECT_TRUE(child.Left()) << child.status;
}

TEST(ReportViolations, MessageWithoutRoomForTheNumberIsRefused) {
    const std::array<std::byte, sizeof(Message)> message{};
    EXPECT_FALSE(ReportViolations(3, message, 9));
    EXPECT_FALSE(ReportViolations(3, message, sizeof message + 1));
    EXPECT_FALSE(ReportViolations(3, std::array<std::byte, kMaxViolationMessage + 1>{}, 0));
}

}  // namespace
}  // namespace husk
