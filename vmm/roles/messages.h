// The messages between the launcher and the confined roles. All fixed-size and trivially copyable; the receiver takes a
// message only when its size is exactly that of its type, and checks every field it uses: a role may have been taken
// over by its guest.
//
//     launcher -> role      Manifest, Confinement, then the role's Config (see role_configs.h); later Go, PowerButton,
//                           Stop, Drain, Client
//     role -> launcher      Stats (with the descriptor of its statistics), Ready, Failed, Violation
//     vmm -> launcher       GuestEnded, DeviceBroken
//     console -> launcher   ConsoleAsks, GuestStalls, ConsoleIoFailed
//     vmm -> console        ConsoleMemory (with the descriptor of the UART's rings)
//     vmm -> worker         GuestRam (with its descriptor), then ActivateDevice, StopDevice, ConfigureDevice
//     worker -> vmm         DeviceStopped, DeviceNeedsReset, DeviceConfigured, ConfigChanged
//     worker -> launcher    HostIoFailed (a disk's), NetWireGone
//     launcher -> blk       ResizeDisk
//     launcher -> console   PtyOpened
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "devices/virtio/mmio_transport.h"
#include "sandbox/seccomp/violation.h"
#include "vmm/roles/message_buffer.h"
#include "vmm/roles/role_configs.h"

namespace husk {

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

}  // namespace husk
