// MachineConfig: one VM as the person asked for it. Checked by the command line; plain data from there on.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "devices/host/console_endpoint.h"
#include "vmm/base/result.h"
#include "vmm/machine/confinement.h"
#include "vmm/machine/net_rules_config.h"

namespace husk {

// What a disk's worker waits for its disk with.
enum class DiskAio : std::uint8_t {
    kAuto,     // io_uring for a direct disk where the host has it, else threads
    kThreads,  // preadv2 and pwritev2 on a few threads
    kIoUring,  // or the VM does not start
};

struct DiskConfig {
    std::string path;
    bool read_only = false;
    std::string serial;  // at most kMaxSerial bytes; empty: none
    bool writeback = true;
    bool discard = true;
    bool direct = false;  // around the host's page cache
    DiskAio aio = DiskAio::kAuto;
    bool ephemeral = false;       // what the guest writes vanishes with the VM
    std::uint64_t iops = 0;       // requests a second; 0: no limit
    std::uint64_t bandwidth = 0;  // bytes a second; 0: no limit
    std::uint32_t block = 0;      // bytes of a logical block; 0: the host's
    std::uint32_t queues = 0;     // 0: one for each vCPU, up to kMaxBlkQueues
};

// One network card and the wire it is on.
struct NetworkConfig {
    enum class Kind {
        kTap,     // `place`: the interface
        kFd,      // `fd`: a tap that is open already
        kPasst,   // a passt of its own
        kStream,  // `place`: the unix socket of a passt that runs
        kNone,    // a card whose link is down
    } kind = Kind::kNone;
    std::string place;
    int fd = -1;
    std::optional<MacAddress> mac;
    std::uint16_t mtu = 0;  // 0: the interface's, where there is one
    std::uint32_t queues = 1;
    NetRulesConfig rules;
    std::uint64_t bytes_a_second = 0;  // in each direction; 0: no limit
    std::string pcap;                  // a file for what passes; empty: none
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
    std::vector<NetworkConfig> networks;
    ConsoleTarget console;
    OnReboot on_reboot = OnReboot::kRestart;
    ConfinementConfig confinement;
    std::optional<std::string> stats;
    std::string kvm_device = "/dev/kvm";
};

// What can be said without opening anything: ranges, lengths, the host's memory. Errors are of kind kUsage.
[[nodiscard]] Result<> CheckConfig(const MachineConfig& config);

}  // namespace husk
