// MachineConfig: one VM as the person asked for it. Checked by the command line; plain data from there on.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "devices/host/console_endpoint.h"
#include "vmm/base/result.h"
#include "vmm/machine/confinement.h"

namespace husk {

struct DiskConfig {
    std::string path;
    bool read_only = false;
    std::string serial;  // at most kMaxSerial bytes; empty: none
};

// A named port of the guest's virtio console.
struct PortConfig {
    std::string name;
    std::string path;  // of its socket on the host
};

enum class OnReboot { kRestart, kExit };

// What is booted, when it is not a kernel and an initrd by name.
struct BootSourceConfig {
    enum class Kind {
        kKernel,  // MachineConfig::kernel and ::initrd
        kNixos,   // a NixOS system in a folder of the host: a toplevel, or a netboot or kexec output
        kDisk,    // what the first disk has installed
        kIso,     // what the first disk, an ISO, boots
    } kind = Kind::kKernel;
    std::string path;            // kNixos: the folder
    std::string entry;           // a generation's number or an entry's name; empty: the default
    std::string specialisation;  // empty: none
    bool once = false;           // `entry` for the first boot only: later ones take the default
    bool ignore_secrets = false;
};

struct MachineConfig {
    std::string name = "vm";
    std::string kernel;
    std::optional<std::string> initrd;
    BootSourceConfig source;
    std::string command_line;  // of the kernel; where `source` has one, this comes behind it
    std::uint32_t vcpus = 1;
    std::uint64_t memory_bytes = 512ULL << 20;
    bool huge_pages = false;
    bool uart = true;
    bool virtio_trap = false;
    std::vector<DiskConfig> disks;
    ConsoleTarget console;
    std::optional<ConsoleLogTarget> console_log;
    std::vector<PortConfig> ports;  // at most kMaxNamedPorts
    OnReboot on_reboot = OnReboot::kRestart;
    ConfinementConfig confinement;
    std::optional<std::string> stats;
    std::string kvm_device = "/dev/kvm";
};

// What can be said without opening anything: ranges, lengths, the host's memory. Errors are of kind kUsage.
[[nodiscard]] Result<> CheckConfig(const MachineConfig& config);

}  // namespace husk
