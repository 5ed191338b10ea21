// The tables as values: what they promise, and how they are printed.
#include <gtest/gtest.h>
#include <sys/syscall.h>

#include <algorithm>

#include "sandbox/seccomp/print.h"
#include "sandbox/seccomp/syscall_name.h"
#include "tests/unit/seccomp_programs.h"
#include "vmm/roles/slots.h"

namespace husk {
namespace {

constexpr Syscall kRead{SYS_read, "read"};

constexpr ThreadTable TwoReads() {
    ThreadTable table("test");
    table.Allow(kRead, {{0, kDescriptor, 3, "launcher"}, {2, "size", 8, ""}}, "a reason");
    table.Allow(kRead, {{0, kDescriptor, 4, "vmm"}}, "another");
    table.Allow({SYS_exit_group, "exit_group"}, {}, "leaves", Counts::kNo);
    return table;
}
static_assert(TwoReads().Allows(SYS_read, {3, 0, 8}) && !TwoReads().Allows(SYS_read, {3, 0, 9}));

TEST(ThreadTable, RowAllowsWhenAllItsChecksHold) {
    const ThreadTable table = TwoReads();
    EXPECT_TRUE(table.Allows(SYS_read, {3, 1234, 8}));
    EXPECT_TRUE(table.Allows(SYS_read, {4, 1234, 9}));
    EXPECT_TRUE(table.Allows(SYS_exit_group, {1}));
    EXPECT_FALSE(table.Allows(SYS_read, {3, 1234, 9}));
    EXPECT_FALSE(table.Allows(SYS_read, {5, 1234, 8}));
    EXPECT_FALSE(table.Allows(SYS_read, {(1ULL << 32) | 4, 1234, 8}));
    EXPECT_FALSE(table.Allows(SYS_write, {4, 1234, 8}));
}

TEST(ThreadTable, SystemCallsAreCountedOnceAndOnlyThoseThatDoSomething) {
    EXPECT_EQ(TwoReads().CountSyscalls(), 1u);
    EXPECT_EQ(TwoReads().CountDescriptorChecks(), 2u);
}

TEST(ThreadTable, MoreRowsThanItHoldsAreRefused) {
    ThreadTable table("test");
    for (std::size_t row = 0; row < ThreadTable::kMaxRules; ++row) table.Allow(kRead, {}, "a reason");
    EXPECT_THROW(table.Allow(kRead, {}, "one too many"), std::length_error);
}

TEST(SeccompTables, VcpuThreadsHaveAtMostSixSystemCalls) {
    for (std::uint32_t vcpu = 0; vcpu < kMaxVcpus; ++vcpu) {
        EXPECT_LE(role_tables::Vcpu(vcpu).CountSyscalls(), 6u) << vcpu;
    }
}

TEST(SeccompTables, OtherSealedThreadsHaveAtMostTenSystemCalls) {
    EXPECT_LE(role_tables::Control().CountSyscalls(), 10u);
    EXPECT_LE(role_tables::BlkLoop().CountSyscalls(), 10u);
    EXPECT_LE(role_tables::BlkRingLoop().CountSyscalls(), 10u);
    EXPECT_LE(role_tables::BlkPool().CountSyscalls(), 10u);
    EXPECT_LE(role_tables::Net().CountSyscalls(), 10u);
    EXPECT_LE(role_tables::Console().CountSyscalls(), 10u);
}

TEST(SeccompTables, TheReaderReadsItsSourceAndReportsAndThatIsAll) {
    EXPECT_EQ(role_tables::Reader().CountSyscalls(), 2u);
}

TEST(SeccompTables, EveryRowHasAReasonAndTheNameOfItsNumber) {
    for (const ThreadTable& table : role_tables::All()) {
        for (const SyscallRule& rule : table.Rules()) {
            EXPECT_GE(rule.why.size(), 5u) << table.Thread() << ": " << rule.call.name;
            EXPECT_EQ(rule.call.name, SyscallName(static_cast<std::uint32_t>(rule.call.number))) << table.Thread();
        }
    }
}

TEST(SeccompTables, EveryReadAndWriteOfASealedThreadNamesItsDescriptor) {
    for (const testing::SealedThread& thread : testing::ThreadKinds()) {
        for (const int call : {SYS_read, SYS_write, SYS_readv, SYS_writev, SYS_pread64, SYS_preadv2, SYS_pwritev2,
                               SYS_fdatasync, SYS_ioctl, SYS_recvmsg}) {
            EXPECT_TRUE(std::ranges::all_of(
                thread.table.Rules(),
                [&](const SyscallRule& rule) { return rule.call.number != call || rule.ChecksDescriptor(); }))
                << thread.name << ": " << call;
        }
    }
}

TEST(SeccompTables, NoSealedThreadGetsAHoldOfAnythingNew) {
    for (const testing::SealedThread& thread : testing::ThreadKinds()) {
        for (const int call : {SYS_open,
                               SYS_openat,
                               SYS_openat2,
                               SYS_socket,
                               SYS_connect,
                               SYS_clone,
                               SYS_clone3,
                               SYS_fork,
                               SYS_vfork,
                               SYS_execve,
                               SYS_execveat,
                               SYS_ptrace,
                               SYS_process_vm_readv,
                               SYS_kill,
                               SYS_tgkill,
                               SYS_prctl,
                               SYS_seccomp,
                               SYS_io_uring_setup,
                               SYS_io_uring_enter,
                               SYS_bpf,
                               SYS_memfd_create,
                               SYS_pidfd_getfd,
                               SYS_sendmsg,
                               SYS_setns,
                               SYS_unshare}) {
            EXPECT_FALSE(thread.table.Allows(call, {})) << thread.name << ": " << call;
        }
    }
}

TEST(SeccompTables, EachVcpuThreadRunsItsOwnVcpuOnly) {
    const testing::BpfMachine first(filters::Vcpu(0));
    EXPECT_TRUE(first.Run(SYS_ioctl, {vmm_slot::Vcpu(0), 0xae80, 0}).Allows());
    EXPECT_TRUE(first.Run(SYS_ioctl, {vmm_slot::Vcpu(1), 0xae80, 0}).Traps());
    const testing::BpfMachine last(filters::Vcpu(kMaxVcpus - 1));
    EXPECT_TRUE(last.Run(SYS_ioctl, {vmm_slot::Vcpu(kMaxVcpus - 1), 0xae80, 0}).Allows());
    EXPECT_TRUE(last.Run(SYS_ioctl, {vmm_slot::Vcpu(0), 0xae80, 0}).Traps());
}

TEST(SeccompTables, EverySealedThreadMayReportToTheLauncher) {
    static_assert(vmm_slot::kLauncher == 3 && blk_slot::kLauncher == 3 && console_slot::kLauncher == 3 &&
                  net_slot::kLauncher == 3);
    for (const testing::SealedThread& thread : testing::AllThreads()) {
        const std::uint64_t reports = thread.name == "reader" ? reader_slot::kReport : vmm_slot::kLauncher;
        EXPECT_TRUE(thread.Run(SYS_write, {reports, 0x7fff'0000'0000, 64}).Allows()) << thread.name;
    }
}

TEST(SeccompTables, NetWorkerTellsATapNothingButWhatTheGuestCanDo) {
    const testing::BpfMachine net(filters::Net());
    constexpr std::uint64_t kSetOffload = 0x400454d0, kSetIff = 0x400454ca;
    EXPECT_TRUE(net.Run(SYS_ioctl, {net_slot::Wire(0), kSetOffload, 7}).Allows());
    EXPECT_TRUE(net.Run(SYS_ioctl, {net_slot::Wire(0), kSetOffload, 8}).Traps());
    EXPECT_TRUE(net.Run(SYS_ioctl, {net_slot::Wire(1), kSetOffload, 7}).Traps());
    EXPECT_TRUE(net.Run(SYS_ioctl, {net_slot::Wire(0), kSetIff, 0}).Traps());
    EXPECT_TRUE(net.Run(SYS_readv, {net_slot::Wire(6), 0, 1}).Allows());
    EXPECT_TRUE(net.Run(SYS_readv, {net_slot::kVmm, 0, 1}).Traps());
}

TEST(SyscallName, NumbersHaveTheirNames) {
    EXPECT_EQ(SyscallName(0), "read");
    EXPECT_EQ(SyscallName(257), "openat");
    EXPECT_EQ(SyscallName(435), "clone3");
    EXPECT_EQ(SyscallName(400), "unknown");
    EXPECT_EQ(SyscallName(0xffff'ffff), "unknown");
}

TEST(SeccompPrint, RowsThatDifferInOneValueAreOneLine) {
    ThreadTable table("test");
    table.Allow(kRead, {{0, kDescriptor, 3, "launcher"}}, "same");
    table.Allow(kRead, {{0, kDescriptor, 4, "worker"}}, "same");
    table.Allow(kRead, {{0, kDescriptor, 7, "worker"}}, "same");
    table.Allow(kRead, {{0, kDescriptor, 9, "disk"}}, "other");
    const std::string text = PrintTables(std::vector{table, ThreadTable("launcher")});
    EXPECT_NE(text.find("fd = 3 (launcher), 4, 7 (worker)\n"), std::string::npos) << text;
    EXPECT_NE(text.find("fd = 9 (disk)\n"), std::string::npos) << text;
    EXPECT_NE(text.find("test: 1 system calls, 4 rules, 4 of them with a descriptor's number"), std::string::npos)
        << text;
}

TEST(SeccompPrint, AllTablesAndTheCountsOfPeersAreThere) {
    const std::string text = PrintTables(role_tables::All());
    for (const char* part :
         {"vmm: vcpu: 3 system calls", "vmm: control: 5 ", "blk: loop: 8 ", "blk: loop with io_uring: 8 ",
          "blk: pool: 6 ", "net: 6 ", "console: 7 ", "0xae80 (KVM_RUN)", "not enforced: a filter needs no_new_privs",
          "Firecracker      vcpu 27, vmm 50, api 31", "Cloud Hypervisor vcpu 49, blk 51, net 31, console 31"}) {
        EXPECT_NE(text.find(part), std::string::npos) << part;
    }
}

}  // namespace
}  // namespace husk
