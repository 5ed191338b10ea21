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

enum class OnReboot { kRestart, kExit };

struct MachineConfig {
    std::string name = "vm";
    std::string kernel;
    std::optional<std::string> initrd;
    std::string command_line;
    std::uint32_t vcpus = 1;
    std::uint64_t memory_bytes = 512ULL << 20;
    bool huge_pages = false;
    bool uart = true;
    bool virtio_trap = false;
    std::vector<DiskConfig> disks;
    ConsoleTarget console;
    OnReboot on_reboot = OnReboot::kRestart;
    ConfinementConfig confinement;
    std::optional<std::string> stats;
    std::string kvm_device = "/dev/kvm";
};

// What can be said without opening anything: ranges, lengths, the host's memory. Errors are of kind kUsage.
[[nodiscard]] Result<> CheckConfig(const MachineConfig& config);

}  // namespace husk
