// What can be refused before anything is opened, and how endings become exit statuses.
#include <gtest/gtest.h>

#include <csignal>
#include <cstdint>
#include <string>

#include "vmm/machine/config.h"
#include "vmm/machine/device_reports.h"
#include "vmm/machine/exit_status.h"
#include "vmm/memory/address_map.h"

namespace husk {
namespace {

using address_map::kKiB;
using address_map::kMiB;

MachineConfig Small() {
    MachineConfig config;
    config.kernel = "vmlinux";
    config.memory_bytes = 16 * kMiB;
    return config;
}
MachineConfig WithMemory(std::uint64_t bytes) {
    MachineConfig config = Small();
    config.memory_bytes = bytes;
    return config;
}
MachineConfig WithHugePages(std::uint64_t bytes) {
    MachineConfig config = WithMemory(bytes);
    config.huge_pages = true;
    return config;
}
MachineConfig WithCpus(std::uint32_t count) {
    MachineConfig config = Small();
    config.vcpus = count;
    return config;
}
MachineConfig WithName(std::string name) {
    MachineConfig config = Small();
    config.name = std::move(name);
    return config;
}
MachineConfig WithCommandLine(std::size_t length) {
    MachineConfig config = Small();
    config.command_line.assign(length, 'c');
    return config;
}

// The sentence of a refusal that is the person's to mend; empty when there is none.
std::string Refusal(const MachineConfig& config) {
    const auto checked = CheckConfig(config);
    EXPECT_TRUE(checked || checked.error().Kind() == ErrorKind::kUsage);
    return checked ? "" : checked.error().Message();
}

TEST(CheckConfig, SmallestMachineIsAccepted) { EXPECT_EQ(Refusal(Small()), ""); }

TEST(CheckConfig, CpusAreOneToSixtyFour) {
    EXPECT_EQ(Refusal(WithCpus(1)), "");
    EXPECT_EQ(Refusal(WithCpus(64)), "");
    EXPECT_EQ(Refusal(WithCpus(0)), "--cpus takes a number from 1 to 64, not 0");
    EXPECT_EQ(Refusal(WithCpus(65)), "--cpus takes a number from 1 to 64, not 65");
}

TEST(CheckConfig, MemoryHasALeast) {
    EXPECT_EQ(Refusal(WithMemory(16 * kMiB - 4 * kKiB)), "--memory must be at least 16 MiB, not 16773120 bytes");
    EXPECT_TRUE(Refusal(WithMemory(0)).starts_with("--memory must be at least"));
}

TEST(CheckConfig, MemoryIsWholePages) {
    EXPECT_EQ(Refusal(WithMemory(16 * kMiB + 4 * kKiB)), "");
    EXPECT_EQ(Refusal(WithMemory(16 * kMiB + 1)), "--memory must be a multiple of 4 KiB, not 16777217 bytes");
}

TEST(CheckConfig, HugePagesAreWholeToo) {
    EXPECT_EQ(Refusal(WithHugePages(18 * kMiB)), "");
    EXPECT_EQ(Refusal(WithHugePages(17 * kMiB)), "--memory must be a multiple of 2048 KiB, not 17825792 bytes");
}

TEST(CheckConfig, MemoryBeyondTheHostsIsRefused) {
    EXPECT_TRUE(Refusal(WithMemory(std::uint64_t{1} << 60)).starts_with("--memory asks for 1099511627776 MiB"));
}

TEST(CheckConfig, CommandLineHasAMost) {
    EXPECT_EQ(Refusal(WithCommandLine(2047)), "");
    EXPECT_EQ(Refusal(WithCommandLine(2048)), "--cmdline has 2048 bytes; a kernel takes at most 2047");
}

TEST(CheckConfig, NamesAreShortAndPlain) {
    EXPECT_EQ(Refusal(WithName("web-1_a.B")), "");
    EXPECT_EQ(Refusal(WithName(std::string(63, 'n'))), "");
    EXPECT_TRUE(Refusal(WithName(std::string(64, 'n'))).starts_with("--name takes"));
    EXPECT_TRUE(Refusal(WithName("")).starts_with("--name takes"));
    EXPECT_TRUE(Refusal(WithName("a/b")).starts_with("--name takes"));
    EXPECT_TRUE(Refusal(WithName("a b")).starts_with("--name takes"));
    EXPECT_TRUE(Refusal(WithName("\xc3\xa4")).starts_with("--name takes"));
}

// --- Exit statuses ---

Ending EndingFor(GuestEnded::Reason reason, std::string_view text = "") {
    GuestEnded ended;
    ended.reason = reason;
    ended.which = 2;
    ended.text.Assign(text);
    return EndingOf(ended, "");
}

TEST(ExitStatus, EveryKindOfErrorHasItsOwn) {
    EXPECT_EQ(static_cast<int>(StatusOf(ErrorKind::kHost)), 1);
    EXPECT_EQ(static_cast<int>(StatusOf(ErrorKind::kUsage)), 2);
    EXPECT_EQ(static_cast<int>(StatusOf(ErrorKind::kConfinement)), 5);
    EXPECT_EQ(static_cast<int>(StatusOf(ErrorKind::kBootSource)), 6);
}

TEST(Ending, OrderlyEndsSayNothing) {
    EXPECT_EQ(EndingFor(GuestEnded::Reason::kPoweroff).Code(), 0);
    EXPECT_EQ(EndingFor(GuestEnded::Reason::kPoweroff).sentence, "");
    EXPECT_EQ(EndingFor(GuestEnded::Reason::kReset).Code(), 3);
    EXPECT_EQ(EndingFor(GuestEnded::Reason::kReset).reason, "reset");
    EXPECT_EQ(EndingFor(GuestEnded::Reason::kStopped).Code(), 128 + SIGTERM);
}

TEST(Ending, TripleFaultIsACrashOfOneVcpu) {
    const Ending ending = EndingFor(GuestEnded::Reason::kTripleFault);
    EXPECT_EQ(ending.Code(), 4);
    EXPECT_EQ(ending.reason, "triple-fault");
    EXPECT_EQ(ending.sentence, "the guest crashed: triple fault on vCPU 2");
    EXPECT_EQ(EndingFor(GuestEnded::Reason::kTripleFault, " at 0x10").sentence,
              "the guest crashed: triple fault on vCPU 2 at 0x10");
}

TEST(Ending, FailureOfKvmIsACrashThatIsExplained) {
    const Ending ending = EndingFor(GuestEnded::Reason::kKvmFailure, "vCPU 2: it broke");
    EXPECT_EQ(ending.Code(), 4);
    EXPECT_EQ(ending.sentence, "the guest crashed: vCPU 2: it broke");
}

TEST(Ending, ReasonThatARoleInventsIsAHostFailure) {
    EXPECT_EQ(EndingFor(static_cast<GuestEnded::Reason>(99)).Code(), 1);
}

TEST(Ending, RoleKilledForAForbiddenSystemCallHasItsOwnStatus) {
    const Ending ending = EndingOfDeadRole("vmm", SIGSYS);
    EXPECT_EQ(ending.Code(), 7);
    EXPECT_EQ(ending.sentence, "role vmm died unexpectedly: Bad system call");
}

TEST(Ending, RoleThatDiesOtherwiseIsAHostFailure) {
    EXPECT_EQ(EndingOfDeadRole("vmm", SIGSEGV).Code(), 1);
    const Ending ending = EndingOfDeadRole("console", 1 << 8);
    EXPECT_EQ(ending.Code(), 1);
    EXPECT_EQ(ending.sentence, "role console died unexpectedly: it exited with status 1");
}

TEST(CheckConfig, SoManyDisksAndNoMore) {
    MachineConfig config = Small();
    config.disks.resize(8);
    EXPECT_TRUE(CheckConfig(config));
    config.disks.resize(9);
    EXPECT_NE(CheckConfig(config).error().Message().find("--disk"), std::string::npos);
}

TEST(CheckConfig, SerialOfADiskHasTwentyCharactersAtMost) {
    MachineConfig config = Small();
    config.disks.push_back({.path = "d", .read_only = false, .serial = std::string(20, 's')});
    EXPECT_TRUE(CheckConfig(config));
    config.disks[0].serial += "s";
    EXPECT_EQ(CheckConfig(config).error().Kind(), ErrorKind::kUsage);
}

TEST(EndingOf, StuckDeviceIsAFailureOfTheHostAndNamed) {
    GuestEnded ended;
    ended.reason = GuestEnded::Reason::kDeviceStuck;
    ended.which = 2;
    EXPECT_EQ(EndingOf(ended, "blk1").status, ExitStatus::kHostFailure);
    EXPECT_NE(EndingOf(ended, "blk1").sentence.find("blk1"), std::string::npos);
}

TEST(DeviceReports, NumbersFromARoleMayBeAnything) {
    const std::string broken = SentenceFor(DeviceBroken{0xffff'ffff, 0xffff'ffff}, "blk1");
    EXPECT_EQ(broken.find('\n'), std::string::npos);
    const std::string failed = SentenceFor(HostIoFailed{-1, 0xffff'ffff, ~std::uint64_t{0}}, 0);
    EXPECT_NE(failed.find("blk0"), std::string::npos);
}

}  // namespace
}  // namespace husk
