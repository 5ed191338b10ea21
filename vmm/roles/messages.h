// The messages between the launcher and the confined roles. All fixed-size and trivially copyable; the receiver takes a
// message only when its size is exactly that of its type, and checks every field it uses: a role may have been taken
// over by its guest.
//
//     launcher -> role      Manifest, Confinement, then the role's Config (the vmm's: BootPieces behind it); later Go,
//     PowerButton, Stop, Drain, Client role -> launcher      Stats (with the descriptor of its statistics), Ready,
//     Failed, GuestEnded, ConsoleAsks,
//                           GuestStalls, Violation
//     vmm -> console        ConsoleMemory (with the descriptor of the UART's rings)
//     vmm -> worker         GuestRam (with its descriptor), then ActivateDevice, StopDevice, ConfigureDevice
//     worker -> vmm         DeviceStopped, DeviceNeedsReset, DeviceConfigured, ConfigChanged
//     worker -> launcher    HostIoFailed (a disk's), NetWireGone, ConsoleIoFailed
//     launcher -> blk       ResizeDisk
//     launcher -> console   PtyOpened
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>

#include "devices/host/disk_geometry.h"
#include "devices/host/terminal.h"
#include "devices/virtio/console/console_config.h"
#include "devices/virtio/mmio_transport.h"
#include "devices/virtio/net/net_rules.h"
#include "sandbox/seccomp/violation.h"
#include "vmm/base/bytes.h"

namespace husk {

enum class MessageType : std::uint32_t {
    kManifest = 1,
    kVmmConfig,
    kConsoleConfig,
    kGo,
    kPowerButton,
    kStop,
    kDrain,
    kClient,
    kReady,
    kFailed,
    kGuestEnded,
    kConsoleAsks,
    kConsoleMemory,
    kBlkConfig,
    kGuestRam,
    kActivateDevice,
    kStopDevice,
    kDeviceStopped,
    kDeviceNeedsReset,
    kConfigChanged,
    kHostIoFailed,
    kDeviceBroken,
    kConfinement,
    kStats,
    kViolation,
    kBootPieces,
    kReaderConfig,
    kMenuEntry,
    kMenuNote,
    kChosenEntry,
    kReaderDone,
    kGuestStalls,
    kAttachedVolume,
    kCheckFinding,
    kConfigureDevice,
    kDeviceConfigured,
    kResizeDisk,
    kNetConfig,
    kNetWireGone,
    kConsoleIoFailed,
    kPtyOpened,
};

// Text of a fixed size: what does not fit is cut.
template <std::size_t kMax>
struct FixedText {
    std::uint32_t length = 0;
    std::array<char, kMax> bytes{};

    void Assign(std::string_view text) {
        length = static_cast<std::uint32_t>(std::min(text.size(), kMax));
        std::memcpy(bytes.data(), text.data(), length);
    }
    [[nodiscard]] std::string_view View() const { return {bytes.data(), std::min<std::size_t>(length, kMax)}; }
};

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

struct Go {
    static constexpr MessageType kType = MessageType::kGo;
};
struct PowerButtonPressed {
    static constexpr MessageType kType = MessageType::kPowerButton;
};
struct Stop {
    static constexpr MessageType kType = MessageType::kStop;
};
// To the console: the vmm is gone; write out what is left and end.
struct Drain {
    static constexpr MessageType kType = MessageType::kDrain;
};
// To the console, with a connected socket: a client of the console, or of a named port.
struct Client {
    static constexpr MessageType kType = MessageType::kClient;
    std::uint32_t port = 0;  // 0: the console
};
// To the console, which then looks for itself.
struct PtyOpened {
    static constexpr MessageType kType = MessageType::kPtyOpened;
};

// Beside it: the memfd of the role's statistics.
struct Stats {
    static constexpr MessageType kType = MessageType::kStats;
};
// The role has all it needs, and is sealed.
struct Ready {
    static constexpr MessageType kType = MessageType::kReady;
};
// The last words of a role: one of its threads made a system call that its filter forbids.
struct Violation {
    static constexpr MessageType kType = MessageType::kViolation;
    SyscallViolation what;
};

// The role could not start.
struct Failed {
    static constexpr MessageType kType = MessageType::kFailed;
    std::uint32_t error_kind = 0;  // an ErrorKind
    FixedText<1000> text;
};

struct GuestEnded {
    static constexpr MessageType kType = MessageType::kGuestEnded;
    enum class Reason : std::uint32_t {
        kPoweroff,
        kReset,
        kTripleFault,
        kKvmFailure,
        kDeviceStuck,
        kStopped
    } reason = Reason::kStopped;
    std::uint32_t which = 0;  // the vCPU that crashed or failed, or the device that is stuck
    FixedText<200> text;      // with kKvmFailure: all of it; with kTripleFault: where the vCPU was
};

struct ConsoleAsks {
    static constexpr MessageType kType = MessageType::kConsoleAsks;
    enum class What : std::uint32_t { kQuit, kKill, kClientGone } what = What::kQuit;
    std::uint32_t port = 0;  // with kClientGone, as in Client
};

// console -> launcher, once in a life: the guest's first stage waits for a device that does not come.
struct GuestStalls {
    static constexpr MessageType kType = MessageType::kGuestStalls;
};

struct ConsoleMemory {
    static constexpr MessageType kType = MessageType::kConsoleMemory;
};

// Beside it: the memfd of guest RAM.
struct GuestRam {
    static constexpr MessageType kType = MessageType::kGuestRam;
};

// The driver is ready: these are its features and queues.
struct ActivateDevice {
    static constexpr MessageType kType = MessageType::kActivateDevice;
    Activation activation;
};
// Finish what is in flight, then answer with DeviceStopped and touch guest memory no more.
struct StopDevice {
    static constexpr MessageType kType = MessageType::kStopDevice;
};
// The driver wrote the device's writable configuration byte: answer with DeviceConfigured once that is how it is.
struct ConfigureDevice {
    static constexpr MessageType kType = MessageType::kConfigureDevice;
    std::uint32_t value = 0;  // 0 or 1
};
struct DeviceConfigured {
    static constexpr MessageType kType = MessageType::kDeviceConfigured;
};
// The disk's file has another size.
struct ResizeDisk {
    static constexpr MessageType kType = MessageType::kResizeDisk;
    std::uint64_t bytes = 0;
};
struct DeviceStopped {
    static constexpr MessageType kType = MessageType::kDeviceStopped;
};
// The driver broke the protocol: the device stopped serving it.
struct DeviceNeedsReset {
    static constexpr MessageType kType = MessageType::kDeviceNeedsReset;
    std::uint32_t fault = 0;  // a QueueFault
};
// New bytes of the device-specific configuration.
struct ConfigChanged {
    static constexpr MessageType kType = MessageType::kConfigChanged;
    std::uint32_t offset = 0;
    std::uint32_t length = 0;
    std::array<std::byte, 16> bytes{};
};

// A worker's host resource failed. At most one for each kind of failure; the request has failed as well.
struct HostIoFailed {
    static constexpr MessageType kType = MessageType::kHostIoFailed;
    std::int32_t os_errno = 0;
    std::uint32_t operation = 0;  // a DiskOperation
    std::uint64_t offset = 0;     // bytes
};

// A network worker's wire is cut: its guest sees the link go down. At most once.
struct NetWireGone {
    static constexpr MessageType kType = MessageType::kNetWireGone;
};
// The console cannot write where it should. At most one for each place and life; the guest goes on.
struct ConsoleIoFailed {
    static constexpr MessageType kType = MessageType::kConsoleIoFailed;
    enum class Where : std::uint32_t { kOutput, kLog } where = Where::kOutput;
    std::int32_t os_errno = 0;
};

// vmm -> launcher: a driver broke the protocol of a device.
struct DeviceBroken {
    static constexpr MessageType kType = MessageType::kDeviceBroken;
    std::uint32_t device = 0;
    std::uint32_t fault = 0;  // a QueueFault
};

// A message on the wire: its type, then the struct.
struct alignas(8) MessageBuffer {
    static constexpr std::size_t kBodyAt = sizeof(std::uint64_t);
    std::array<std::byte, 4096> bytes{};
    std::size_t size = 0;

    template <typename M>
        requires std::is_trivially_copyable_v<M>
    [[nodiscard]] static MessageBuffer Encode(const M& message) {
        static_assert(sizeof(M) + sizeof(std::uint64_t) <= sizeof(bytes));
        MessageBuffer buffer;
        const auto type = static_cast<std::uint64_t>(M::kType);
        std::memcpy(buffer.bytes.data(), &type, sizeof type);
        std::memcpy(buffer.bytes.data() + sizeof type, &message, sizeof message);
        buffer.size = sizeof type + sizeof message;
        return buffer;
    }

    // The message, when the type and the size are exactly M's.
    template <typename M>
        requires std::is_trivially_copyable_v<M>
    [[nodiscard]] std::optional<M> As() const {
        const auto received = std::span(bytes).first(size);
        const auto type = LoadAt<std::uint64_t>(received, 0);
        if (!type || *type != static_cast<std::uint64_t>(M::kType)) return std::nullopt;
        if (size != sizeof *type + sizeof(M)) return std::nullopt;
        return LoadAt<M>(received, sizeof *type);
    }

    [[nodiscard]] std::span<const std::byte> Bytes() const { return std::span(bytes).first(size); }
};

}  // namespace husk
