// What the launcher tells a role before it is sealed, fixed-size and trivially copyable: Manifest, Confinement, then
// the role's Config (the vmm's: BootPieces behind it). And how much of everything there may be.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "devices/host/disk_geometry.h"
#include "devices/host/terminal.h"
#include "devices/virtio/console/console_config.h"
#include "devices/virtio/mmio_transport.h"
#include "devices/virtio/net/net_rules.h"
#include "vmm/roles/message_buffer.h"

namespace husk {

inline constexpr std::uint32_t kMaxVcpus = 64;
inline constexpr std::size_t kMaxCommandLine = 2047;
inline constexpr std::size_t kMaxName = 63;
inline constexpr std::size_t kMaxContext = 255;

// What the launcher put on a slot. The role compares it with what it finds there.
struct ManifestEntry {
    std::int32_t slot = -1;
    std::uint32_t file_type = 0;    // S_IFMT bits of st_mode
    std::uint32_t access_mode = 0;  // O_ACCMODE bits
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
};

struct Manifest {
    static constexpr MessageType kType = MessageType::kManifest;
    std::uint32_t count = 0;
    std::array<ManifestEntry, 64> entries{};
};

// What the role is to be confined by.
struct Confinement {
    static constexpr MessageType kType = MessageType::kConfinement;
    std::uint32_t required = 0;      // bits of a LayerSet: a missing one is an error
    std::uint32_t without = 0;       // bits of a LayerSet: not to be applied
    FixedText<kMaxContext> context;  // its SELinux context, byte for byte; empty: there is none to check
};

inline constexpr std::uint32_t kMaxDisks = 8;
inline constexpr std::uint32_t kMaxNets = 4;
inline constexpr std::uint32_t kMaxDevices =
    1 + kMaxDisks + kMaxNets;  // the console is device 0, disks and nets follow
inline constexpr std::uint32_t kConsoleDevice = 0;
inline constexpr std::size_t kMaxSerial = 20;  // of a disk: Virtio 1.2 §5.2.6

// What the registers of one virtio device show. The launcher puts it together from what it opened.
struct DeviceSpec {
    VirtioDeviceId id{};
    std::uint32_t queues = 0;
    std::uint16_t max_queue_size = 0;
    std::uint32_t config_bytes = 0;
    std::uint64_t features = 0;
    std::uint32_t writable_offset = 0;   // as in VirtioDeviceModel
    std::uint64_t writable_feature = 0;  // likewise
    std::uint64_t writable_needs = 0;    // likewise
    std::array<std::byte, 64> config{};
};

inline constexpr std::uint32_t kMaxInitrds = 8;
inline constexpr std::uint32_t kMaxBootPiecesMessages = 32;
inline constexpr std::uint32_t kBootPiecesInOne = 160;

// Where the kernel and the initrds are: pieces of the files on the vmm's slots, in order.
struct BootPieces {
    static constexpr MessageType kType = MessageType::kBootPieces;
    struct Piece {
        std::uint32_t file = 0;    // 0: the kernel; from 1 on: the initrds
        std::uint64_t offset = 0;  // bytes
        std::uint64_t length = 0;  // bytes
    };
    std::uint32_t count = 0;
    std::array<Piece, kBootPiecesInOne> pieces{};
};

struct VmmConfig {
    static constexpr MessageType kType = MessageType::kVmmConfig;
    std::uint64_t memory_bytes = 0;
    std::uint32_t initrds = 0;      // 0 to kMaxInitrds
    std::uint32_t boot_pieces = 0;  // how many BootPieces messages follow: 1 to kMaxBootPiecesMessages
    std::uint32_t vcpus = 0;
    bool uart = true;
    bool huge_pages = false;
    bool virtio_trap = false;  // no register pages: reads of virtio registers trap
    bool filter_msrs = true;
    std::uint32_t devices = 0;
    std::array<DeviceSpec, kMaxDevices> device{};
    std::uint64_t process_start = 0;  // CLOCK_MONOTONIC, nanoseconds
    FixedText<kMaxCommandLine> command_line;
    FixedText<kMaxName> name;
};

struct ConsoleConfig {
    static constexpr MessageType kType = MessageType::kConsoleConfig;
    bool escape = false;            // Ctrl-] commands: the input is a terminal
    bool restore_terminal = false;  // put `terminal` back when the launcher dies
    bool clients = false;           // a unix socket: output waits for a client
    bool pty = false;               // a pseudo-terminal: its other side comes and goes
    bool pty_told = false;          // ... and PtyOpened says that it came
    bool uart = true;               // the guest has a serial port beside hvc0
    bool plain = false;             // escape sequences are left out of the output
    bool log = false;               // what is shown goes to a file, too
    bool log_raw = false;           // with its escape sequences
    std::uint64_t log_max = 0;      // bytes
    std::uint32_t ports = 0;        // named ones, at most kMaxNamedPorts
    std::array<FixedText<console_config::kMaxPortName>, console_config::kMaxNamedPorts> port_names{};
    TerminalSettings terminal;
    FixedText<kMaxName> name;
};

struct BlkConfig {
    static constexpr MessageType kType = MessageType::kBlkConfig;
    DiskGeometry geometry;
    std::uint32_t index = 0;  // which disk: the role is blk0, blk1, ...
    std::uint32_t block = 0;  // bytes: what requests are made of
    std::uint8_t read_only = 0;
    std::uint8_t writeback = 1;
    std::uint8_t direct = 0;
    std::uint8_t ring = 0;         // io_uring where the host lets the role have one
    std::uint8_t ring_needed = 0;  // or the role does not start
    std::uint8_t ephemeral = 0;    // writes go to the scratch file
    std::uint64_t requests_per_second = 0;
    std::uint64_t bytes_per_second = 0;
    FixedText<kMaxSerial> serial;
    FixedText<kMaxName> name;
};

struct NetConfig {
    static constexpr MessageType kType = MessageType::kNetConfig;
    enum class Wire : std::uint32_t { kNone, kTap, kStream } wire = Wire::kNone;
    std::uint32_t index = 0;           // which net: the role is net0, net1, ...
    std::uint32_t wire_queues = 1;     // descriptors on the slots: 1 to kMaxNetQueues
    std::uint32_t pairs = 1;           // as offered to the driver: 1 to kMaxNetPairs
    std::uint32_t capture_snap = 0;    // of PcapFile; 0: no capture
    std::uint64_t bytes_a_second = 0;  // a limit, in each direction; 0: none
    NetRules rules;
    FixedText<kMaxName> name;
};

}  // namespace husk
