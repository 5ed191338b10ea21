// The command line: what was asked for, or the sentence that says what is wrong with it.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "vmm/base/log.h"
#include "vmm/base/result.h"
#include "vmm/machine/config.h"

namespace husk {

struct RunCommand {
    MachineConfig machine;
    LogLevel log_level = LogLevel::kInfo;
};
struct DoctorCommand {
    std::string kvm_device = "/dev/kvm";
    bool print_tables = false;      // the seccomp tables, and nothing else
    ConfinementConfig confinement;  // as for a run
};
// What there is to boot.
struct ListCommand {
    std::string source;
    bool json = false;
};
// What will not work.
struct CheckCommand {
    std::string source;
    std::string entry;
    std::string specialisation;
    std::vector<std::string> disks;  // that will be attached beside it
};
// A store disk.
struct ImageStoreCommand {
    std::string folder;   // the system's
    std::string out;      // the image to make: .erofs, else squashfs
    std::string closure;  // a file with its store paths, a line each; empty: nix-store is asked
};
// Print this and exit with success: help or the version.
struct PrintCommand {
    std::string text;
};

using Command = std::variant<RunCommand, DoctorCommand, ListCommand, CheckCommand, ImageStoreCommand, PrintCommand>;

// Pure: touches neither files nor the host. Errors are of kind kUsage.
[[nodiscard]] Result<Command> ParseCommandLine(int argc, const char* const* argv);

// A whole number; whether so many are possible is for CheckConfig to say.
[[nodiscard]] Result<std::uint32_t> ParseCpus(const std::string& text);
// "512M", "2G", "262144K" or a number of bytes.
[[nodiscard]] Result<std::uint64_t> ParseSize(const std::string& text);
// "stdio", "pty", "unix=PATH", "file=PATH" or "none".
[[nodiscard]] Result<ConsoleTarget> ParseConsole(const std::string& text);
// "WHERE[,mac=M][,mtu=N][,queues=N]" and the words of net_rules_text.h; WHERE is "tap=NAME", "fd=N", "passt",
// "passt=SOCKET" or "none"; a comma in it is written twice.
[[nodiscard]] Result<NetworkConfig> ParseNet(const std::string& text);
// "FILE[,OPTION...]", with the options of DiskConfig; a comma in FILE is written twice.
[[nodiscard]] Result<DiskConfig> ParseDisk(const std::string& text);

}  // namespace husk
