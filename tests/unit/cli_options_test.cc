#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "vmm/cli/options.h"

namespace husk {
namespace {

Result<Command> Parse(std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), "husk");
    return ParseCommandLine(static_cast<int>(arguments.size()), arguments.data());
}

// `husk run --kernel k` and these.
Result<Command> ParseRun(std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), {"run", "--kernel", "k"});
    return Parse(std::move(arguments));
}
RunCommand RunOf(std::vector<const char*> arguments) {
    return std::get<RunCommand>(ParseRun(std::move(arguments)).value());
}
MachineConfig Machine(std::vector<const char*> arguments) { return RunOf(std::move(arguments)).machine; }

// The one line of a refusal that is the person's to mend; empty when there is none.
std::string Refusal(const Result<Command>& command) {
    EXPECT_TRUE(command || command.error().Kind() == ErrorKind::kUsage);
    const std::string message = command ? "" : command.error().Message();
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    return message;
}
std::string RunRefusal(std::vector<const char*> arguments) { return Refusal(ParseRun(std::move(arguments))); }

void ExpectNamed(const std::string& refusal, const std::string& option) {
    EXPECT_NE(refusal.find(option), std::string::npos) << "\"" << refusal << "\" should name " << option;
}

TEST(Options, KernelAloneIsEnough) {
    const RunCommand run = RunOf({});
    EXPECT_EQ(run.machine.kernel, "k");
    EXPECT_EQ(run.machine.initrd, std::nullopt);
    EXPECT_EQ(run.machine.command_line, "");
    EXPECT_EQ(run.machine.vcpus, 1u);
    EXPECT_EQ(run.machine.memory_bytes, 512u << 20);
    EXPECT_FALSE(run.machine.huge_pages);
    EXPECT_TRUE(run.machine.uart);
    EXPECT_EQ(run.machine.console.kind, ConsoleTarget::Kind::kStdio);
    EXPECT_EQ(run.machine.on_reboot, OnReboot::kRestart);
    EXPECT_EQ(run.machine.name, "vm");
    EXPECT_EQ(run.machine.stats, std::nullopt);
    EXPECT_EQ(run.machine.kvm_device, "/dev/kvm");
    EXPECT_EQ(run.log_level, LogLevel::kInfo);
}

TEST(Options, EveryOptionIsUnderstood) {
    const RunCommand run = RunOf({"--initrd",    "i",           "--cmdline",   "console=ttyS0 quiet",
                                  "--cpus",      "4",           "--memory",    "2G",
                                  "--hugepages", "--console",   "unix=/run/c", "--uart",
                                  "off",         "--on-reboot", "exit",        "--name",
                                  "web",         "--stats",     "s.json",      "--log-level",
                                  "debug",       "--kvm",       "/dev/kvm0"});
    EXPECT_EQ(run.machine.initrd, "i");
    EXPECT_EQ(run.machine.command_line, "console=ttyS0 quiet");
    EXPECT_EQ(run.machine.vcpus, 4u);
    EXPECT_EQ(run.machine.memory_bytes, std::uint64_t{2} << 30);
    EXPECT_TRUE(run.machine.huge_pages);
    EXPECT_EQ(run.machine.console.kind, ConsoleTarget::Kind::kUnix);
    EXPECT_EQ(run.machine.console.path, "/run/c");
    EXPECT_FALSE(run.machine.uart);
    EXPECT_EQ(run.machine.on_reboot, OnReboot::kExit);
    EXPECT_EQ(run.machine.name, "web");
    EXPECT_EQ(run.machine.stats, "s.json");
    EXPECT_EQ(run.log_level, LogLevel::kDebug);
    EXPECT_EQ(run.machine.kvm_device, "/dev/kvm0");
}

TEST(Options, ValuesMayFollowAnEqualsSign) {
    EXPECT_EQ(Machine({"--memory=64M"}).memory_bytes, 64u << 20);
    EXPECT_EQ(Machine({"--cmdline=root=/dev/vda rw"}).command_line, "root=/dev/vda rw");
}

TEST(Options, CommandLineIsPassedOnAsItIs) {
    EXPECT_EQ(Machine({"--cmdline", "a \"b c\" [d] \\ 'e'"}).command_line, "a \"b c\" [d] \\ 'e'");
    EXPECT_EQ(Machine({"--cmdline", ""}).command_line, "");
    EXPECT_EQ(Machine({"--cmdline", "[a,b]"}).command_line, "[a,b]");
    EXPECT_EQ(Machine({"--cmdline=--quiet -x"}).command_line, "--quiet -x");
}

TEST(Options, DoctorTakesADevice) {
    EXPECT_EQ(std::get<DoctorCommand>(Parse({"doctor"}).value()).kvm_device, "/dev/kvm");
    EXPECT_EQ(std::get<DoctorCommand>(Parse({"doctor", "--kvm", "/dev/x"}).value()).kvm_device, "/dev/x");
}

TEST(Options, HelpAndVersionArePrinted) {
    EXPECT_NE(std::get<PrintCommand>(Parse({"--help"}).value()).text.find("run"), std::string::npos);
    EXPECT_NE(std::get<PrintCommand>(Parse({"run", "--help"}).value()).text.find("--memory"), std::string::npos);
    EXPECT_TRUE(std::get<PrintCommand>(Parse({"--version"}).value()).text.starts_with("husk "));
}

// --- Boot sources ---

TEST(Options, NixosSystemIsABootSource) {
    const auto run = std::get<RunCommand>(
        Parse({"run", "--nixos", "./result", "--specialisation", "slim", "--ignore-secrets"}).value());
    EXPECT_EQ(run.machine.source.kind, BootSourceConfig::Kind::kNixos);
    EXPECT_EQ(run.machine.source.path, "./result");
    EXPECT_EQ(run.machine.source.specialisation, "slim");
    EXPECT_TRUE(run.machine.source.ignore_secrets);
}

TEST(Options, DiskWithAGenerationIsABootSource) {
    const auto run = std::get<RunCommand>(
        Parse({"run", "--disk", "d.raw", "--boot", "disk", "--generation", "12", "--once"}).value());
    EXPECT_EQ(run.machine.source.kind, BootSourceConfig::Kind::kDisk);
    EXPECT_EQ(run.machine.source.entry, "12");
    EXPECT_TRUE(run.machine.source.once);
}

TEST(Options, IsoIsTheFirstDiskAndReadOnly) {
    const auto run = std::get<RunCommand>(Parse({"run", "--disk", "new.raw", "--iso", "a,b.iso"}).value());
    EXPECT_EQ(run.machine.source.kind, BootSourceConfig::Kind::kIso);
    ASSERT_EQ(run.machine.disks.size(), 2u);
    EXPECT_EQ(run.machine.disks[0].path, "a,b.iso");
    EXPECT_TRUE(run.machine.disks[0].read_only);
    EXPECT_EQ(run.machine.disks[1].path, "new.raw");
}

TEST(Options, ListAndCheckTakeASource) {
    const auto list = std::get<ListCommand>(Parse({"list", "disk.raw", "--json"}).value());
    EXPECT_EQ(list.source, "disk.raw");
    EXPECT_TRUE(list.json);
    const auto check = std::get<CheckCommand>(
        Parse({"check", "./result", "--specialisation", "slim", "--disk", "a", "--disk", "b"}).value());
    EXPECT_EQ(check.source, "./result");
    EXPECT_EQ(check.specialisation, "slim");
    EXPECT_EQ(check.disks, (std::vector<std::string>{"a", "b"}));
    ExpectNamed(Refusal(Parse({"list"})), "source");
}

// --- Refusals ---

TEST(Options, RefusalPointsToTheHelpOfTheCommand) {
    ExpectNamed(Refusal(Parse({"fly"})), "(husk --help says more)");
    ExpectNamed(RunRefusal({"--kern", "k"}), "(husk run --help says more)");
    ExpectNamed(RunRefusal({"--cpus", "none"}), "(husk run --help says more)");
    ExpectNamed(Refusal(Parse({"doctor", "--require", "walls"})), "(husk doctor --help says more)");
    ExpectNamed(Refusal(Parse({"image", "store"})), "(husk image store --help says more)");
}

TEST(Options, ValueThatWasForgottenIsNamed) {
    ExpectNamed(Refusal(Parse({"run", "--disk", "--kernel", "k"})), "--disk needs a value: FILE");
    for (const char* option : {"--log-console=", "--initrd=", "--stats=", "--disk=", "--name="}) {
        ExpectNamed(RunRefusal({option}), "needs a value");
    }
    EXPECT_EQ(Machine({"--cmdline", "--once"}).command_line, "--once");
}

TEST(Options, WithoutACommandThereIsNothingToDo) {
    EXPECT_NE(Refusal(Parse({})), "");
    EXPECT_NE(Refusal(Parse({"fly"})), "");
    EXPECT_NE(Refusal(Parse({""})), "");
}

TEST(Options, SomethingToBootIsRequired) {
    for (const char* option : {"--kernel", "--nixos", "--boot disk", "--iso"}) {
        ExpectNamed(Refusal(Parse({"run"})), option);
    }
}

TEST(Options, OnlyOneBootSourceIsTaken) {
    ExpectNamed(RunRefusal({"--iso", "x"}), "--iso");
    ExpectNamed(RunRefusal({"--nixos", "x"}), "--nixos");
    ExpectNamed(RunRefusal({"--disk", "x", "--boot", "disk"}), "--boot");
}

TEST(Options, OptionsOfOtherBootSourcesAreRefused) {
    ExpectNamed(RunRefusal({"--generation", "3"}), "--generation");
    ExpectNamed(RunRefusal({"--specialisation", "x"}), "--specialisation");
    ExpectNamed(Refusal(Parse({"run", "--nixos", "x", "--initrd", "i"})), "--initrd");
    ExpectNamed(Refusal(Parse({"run", "--nixos", "x", "--generation", "3"})), "--generation");
    ExpectNamed(Refusal(Parse({"run", "--boot", "disk"})), "--disk");
    ExpectNamed(Refusal(Parse({"run", "--disk", "d", "--boot", "cdrom"})), "\"cdrom\"");
    ExpectNamed(Refusal(Parse({"run", "--disk", "d", "--boot", "disk", "--once"})), "--generation");
}

TEST(Options, UnknownOptionsAreNamed) {
    ExpectNamed(RunRefusal({"--net", "x"}), "--net");
    ExpectNamed(RunRefusal({"stray"}), "stray");
}

class OptionThatTakesAValue : public ::testing::TestWithParam<const char*> {};

TEST_P(OptionThatTakesAValue, IsNamedWhenTheValueIsMissing) { ExpectNamed(RunRefusal({GetParam()}), GetParam()); }

INSTANTIATE_TEST_SUITE_P(Options, OptionThatTakesAValue,
                         ::testing::Values("--initrd", "--cmdline", "--cpus", "--memory", "--console", "--uart",
                                           "--on-reboot", "--name", "--stats", "--log-level", "--kvm"));

struct Wrong {
    const char* option;
    const char* value;
};
class WrongValue : public ::testing::TestWithParam<Wrong> {};

TEST_P(WrongValue, IsRefusedAndItsOptionNamed) {
    ExpectNamed(RunRefusal({GetParam().option, GetParam().value}), GetParam().option);
}

INSTANTIATE_TEST_SUITE_P(
    Options, WrongValue,
    ::testing::Values(Wrong{"--cpus", "many"}, Wrong{"--cpus", "-1"}, Wrong{"--cpus", "1.5"}, Wrong{"--cpus", ""},
                      Wrong{"--cpus", "4294967296"}, Wrong{"--cpus", "99999999999999999999999"}, Wrong{"--cpus", "2x"},
                      Wrong{"--memory", "much"}, Wrong{"--memory", ""}, Wrong{"--memory", "-1M"},
                      Wrong{"--memory", "1T"}, Wrong{"--memory", "1.5G"}, Wrong{"--memory", "99999999999G"},
                      Wrong{"--memory", "99999999999999999999"}, Wrong{"--memory", "1 M"}, Wrong{"--memory", "M"},
                      Wrong{"--console", "tty"}, Wrong{"--console", ""}, Wrong{"--console", "unix="},
                      Wrong{"--console", "file="}, Wrong{"--console", "unix"}, Wrong{"--uart", "yes"},
                      Wrong{"--uart", ""}, Wrong{"--on-reboot", "stop"}, Wrong{"--on-reboot", ""},
                      Wrong{"--log-level", "loud"}, Wrong{"--log-level", ""}, Wrong{"--log-level", "INFO"}));

// --- Values with a syntax of their own ---

TEST(ParseSize, UnitsAreBinary) {
    EXPECT_EQ(ParseSize("0").value(), 0u);
    EXPECT_EQ(ParseSize("4096").value(), 4096u);
    EXPECT_EQ(ParseSize("262144K").value(), 256u << 20);
    EXPECT_EQ(ParseSize("512m").value(), 512u << 20);
    EXPECT_EQ(ParseSize("2G").value(), std::uint64_t{2} << 30);
    EXPECT_EQ(ParseSize("18446744073709551615").value(), ~std::uint64_t{0});
}

TEST(ParseSize, LargestOfEachUnitIsTheLast) {
    EXPECT_TRUE(ParseSize("17179869183G"));
    EXPECT_FALSE(ParseSize("17179869184G"));
    EXPECT_TRUE(ParseSize("18014398509481983K"));
    EXPECT_FALSE(ParseSize("18014398509481984K"));
}

TEST(ParseConsole, EveryPlaceIsUnderstood) {
    EXPECT_EQ(ParseConsole("stdio")->kind, ConsoleTarget::Kind::kStdio);
    EXPECT_EQ(ParseConsole("pty")->kind, ConsoleTarget::Kind::kPty);
    EXPECT_EQ(ParseConsole("none")->kind, ConsoleTarget::Kind::kNone);
    EXPECT_EQ(ParseConsole("file=a,,b,raw")->path, "a,b");
    EXPECT_TRUE(ParseConsole("file=a,raw")->raw);
    EXPECT_FALSE(ParseConsole("file=a")->raw);
    EXPECT_EQ(ParseConsole("unix=a,b")->path, "a,b");
    EXPECT_EQ(ParseConsole("file=/tmp/a=b")->path, "/tmp/a=b");
    EXPECT_EQ(ParseConsole("unix=x")->path, "x");
}

TEST(ParseConsoleLog, FileItsBoundAndRawAreUnderstood) {
    const auto plain = ParseConsoleLog("a,,b");
    EXPECT_EQ(plain->path, "a,b");
    EXPECT_EQ(plain->max, std::uint64_t{16} << 20);
    EXPECT_FALSE(plain->raw);
    const auto raw = ParseConsoleLog("log,raw,max=128K");
    EXPECT_EQ(raw->max, std::uint64_t{128} << 10);
    EXPECT_TRUE(raw->raw);
}

TEST(ParseConsoleLog, WhatIsWrongIsNamed) {
    const std::string hint = " (husk run --help says more)";
    EXPECT_EQ(RunRefusal({"--log-console", "log,max=1K"}), "--log-console log: max must be 128K or more" + hint);
    EXPECT_EQ(RunRefusal({"--log-console", "log,append"}),
              "--log-console log: \"append\" is neither max=SIZE nor raw" + hint);
    EXPECT_EQ(RunRefusal({"--log-console", ",raw"}), "--log-console takes FILE[,max=SIZE][,raw], not \",raw\"" + hint);
    EXPECT_EQ(RunRefusal({"--console", "file=a,b"}),
              "--console takes stdio, pty, unix=PATH, file=PATH[,raw] or none, not \"file=a,b\"" + hint);
}

TEST(ParsePort, NameAndPathAreUnderstood) {
    const auto port = ParsePort("name=org.qemu.guest_agent-0,unix=/run/vm,1/agent=x");
    EXPECT_EQ(port->name, "org.qemu.guest_agent-0");
    EXPECT_EQ(port->path, "/run/vm,1/agent=x");
    EXPECT_TRUE(ParsePort("name=" + std::string(63, 'n') + ",unix=" + std::string(107, 'p')));
}

TEST(ParsePort, WhatIsWrongIsNamed) {
    for (const char* text : {"agent", "name=agent", "unix=/x", "unix=/x,name=agent"}) {
        ExpectNamed(RunRefusal({"--port", text}), "--port takes name=NAME,unix=PATH");
    }
    const std::string long_name = "name=" + std::string(64, 'n') + ",unix=/x";
    for (const char* text : {"name=,unix=/x", "name=a/b,unix=/x", "name=..,unix=/x", "name=-a,unix=/x",
                             "name=a b,unix=/x", long_name.c_str()}) {
        ExpectNamed(RunRefusal({"--port", text}), "--port: a name has 1 to 63 letters");
    }
    const std::string long_path = "name=a,unix=" + std::string(108, 'p');
    ExpectNamed(RunRefusal({"--port", long_path.c_str()}), "--port a: the path of its socket must have 1 to 107 bytes");
}

TEST(Options, PortsAreFourAtMostAndEachItsOwn) {
    const char* const a = "name=a,unix=/a";
    const char* const b = "name=b,unix=/b";
    EXPECT_EQ(Machine({"--port", a, "--port", b}).ports.size(), 2u);
    ExpectNamed(RunRefusal({"--port", a, "--port", "name=a,unix=/b"}), "--port: there are two ports of the name a");
    ExpectNamed(RunRefusal({"--port", a, "--port", "name=b,unix=/a"}), "--port: ports a and b are both at /a");
    ExpectNamed(RunRefusal({"--port", a, "--console", "unix=/a"}), "--port a: the console is at /a already");
    ExpectNamed(RunRefusal({"--port", a, "--port", b, "--port", "name=c,unix=/c", "--port", "name=d,unix=/d", "--port",
                            "name=e,unix=/e"}),
                "--port may be given 4 times at most");
}

TEST(Options, ConsoleTakesAPath) {
    EXPECT_EQ(std::get<AttachCommand>(*Parse({"console", "/run/vm"})).path, "/run/vm");
    ExpectNamed(Refusal(Parse({"console"})), "path");
}

// --- Disks ---

TEST(Options, WithoutDisksThereAreNone) {
    EXPECT_TRUE(Machine({}).disks.empty());
    EXPECT_FALSE(Machine({}).virtio_trap);
}

TEST(Options, DiskIsWritableAndHasNoSerialUnlessSaid) {
    const MachineConfig machine = Machine({"--disk", "root.raw"});
    ASSERT_EQ(machine.disks.size(), 1u);
    EXPECT_EQ(machine.disks[0].path, "root.raw");
    EXPECT_FALSE(machine.disks[0].read_only);
    EXPECT_EQ(machine.disks[0].serial, "");
}

TEST(Options, DisksKeepTheirOrderAndTheirOptions) {
    const MachineConfig machine = Machine({"--disk", "a,ro", "--disk", "b,serial=S1,ro", "--disk", "c"});
    ASSERT_EQ(machine.disks.size(), 3u);
    EXPECT_TRUE(machine.disks[0].read_only);
    EXPECT_EQ(machine.disks[1].path, "b");
    EXPECT_EQ(machine.disks[1].serial, "S1");
    EXPECT_TRUE(machine.disks[1].read_only);
    EXPECT_EQ(machine.disks[2].path, "c");
}

TEST(Options, DiskTakesItsCacheDiscardQueuesAndBlockSize) {
    const MachineConfig machine =
        Machine({"--disk", "a,cache=writethrough,discard=off,queues=2,block=4096", "--disk", "b,cache=writeback"});
    EXPECT_FALSE(machine.disks[0].writeback);
    EXPECT_FALSE(machine.disks[0].discard);
    EXPECT_EQ(machine.disks[0].queues, 2u);
    EXPECT_EQ(machine.disks[0].block, 4096u);
    EXPECT_TRUE(machine.disks[1].writeback);
    EXPECT_TRUE(machine.disks[1].discard);
}

TEST(Options, DiskValuesThatDoNotExistAreRefusedByName) {
    for (const char* option : {"cache=none", "discard=yes", "queues=0", "queues=9", "queues=2x", "block=1024"}) {
        const std::string disk = std::string("a,") + option;
        const std::string text(option);
        ExpectNamed(RunRefusal({"--disk", disk.c_str()}), text.substr(0, text.find('=') + 1));
    }
}

TEST(Options, CommaInTheNameOfADiskIsWrittenTwice) {
    const MachineConfig machine = Machine({"--disk", "a,,b.raw,ro"});
    EXPECT_EQ(machine.disks[0].path, "a,b.raw");
    EXPECT_TRUE(machine.disks[0].read_only);
}

TEST(Options, DiskOptionsThatDoNotExistAreRefusedByName) {
    ExpectNamed(RunRefusal({"--disk", "a,rw"}), "\"rw\"");
    ExpectNamed(RunRefusal({"--disk", "a,serial="}), "serial=");
    ExpectNamed(RunRefusal({"--disk", "a,serial=has space"}), "\"has space\"");
    ExpectNamed(RunRefusal({"--disk", ",ro"}), "--disk");
    ExpectNamed(RunRefusal({"--disk"}), "--disk");
}

TEST(Options, VirtioTrapIsASwitch) { EXPECT_TRUE(Machine({"--virtio-trap"}).virtio_trap); }

}  // namespace
}  // namespace husk
