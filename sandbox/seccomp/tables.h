// The tables: what each kind of sealed thread may ask of the kernel, and why. Pure functions of the numbers that the
// roles know: descriptor slots and ioctl requests.
#pragma once

#include <cstdint>
#include <span>

#include "sandbox/seccomp/rule.h"

namespace husk {

struct VmmNumbers {
    // Descriptor slots.
    int launcher;      // channel
    int vm;            // KVM VM
    int wake_console;  // eventfd
    int wake_vmm;      // eventfd
    int guest_ended;   // eventfd
    int wake_control;  // eventfd
    int uart_line;     // eventfd
    int button_line;   // eventfd
    // One for each virtio device.
    std::span<const int> workers;       // channels
    std::span<const int> interrupts;    // eventfds
    std::span<const int> doorbells;     // eventfds
    std::span<const int> acknowledged;  // eventfds
    // ioctl requests.
    std::uint64_t kvm_run;
    std::uint64_t kvm_irqfd;
    std::uint64_t kvm_set_gsi_routing;
};

struct BlkNumbers {
    int launcher;   // channel
    int vmm;        // channel
    int interrupt;  // eventfd
    int doorbell;   // eventfd
    int disk;       // image or block device
    int pool_doorbell;
    int ring;
    int scratch;  // eventfd
};

struct NetNumbers {
    int launcher;                                 // channel
    int vmm;                                      // channel
    int interrupt;                                // eventfd
    int doorbell;                                 // eventfd
    int capture;                                  // file or FIFO
    std::span<const int> wires;                   // the queues of a tap, or a socket
    std::span<const std::uint64_t> tap_offloads;  // what TUNSETOFFLOAD may be called with
};

struct ReaderNumbers {
    int source;  // image or file
    int initrd;  // file
    int report;  // pipe
};

struct ConsoleNumbers {
    int launcher;      // channel
    int vmm;           // channel
    int wake_console;  // eventfd
    int wake_vmm;      // eventfd
    int input;         // tty, pipe or file
    int output;        // tty, pipe or file
    int client;        // connected socket
    int interrupt;     // eventfd
    int doorbell;      // eventfd
};

// A vCPU's thread; `vcpu` is the slot of its KVM vCPU.
[[nodiscard]] ThreadTable VcpuTable(const VmmNumbers& numbers, int vcpu);
// The vmm's main thread.
[[nodiscard]] ThreadTable ControlTable(const VmmNumbers& numbers);
// A disk worker's main thread, and the threads that wait for its disk.
// With a pool of threads, or with an io_uring.
[[nodiscard]] ThreadTable BlkLoopTable(const BlkNumbers& numbers);
[[nodiscard]] ThreadTable BlkRingLoopTable(const BlkNumbers& numbers);
[[nodiscard]] ThreadTable BlkPoolTable(const BlkNumbers& numbers);
// A network worker's only thread.
[[nodiscard]] ThreadTable NetTable(const NetNumbers& numbers);
// The console's only thread.
[[nodiscard]] ThreadTable ConsoleTable(const ConsoleNumbers& numbers);
// The reader's only thread.
[[nodiscard]] ThreadTable ReaderTable(const ReaderNumbers& numbers);
// The launcher while a guest runs. For printing only: the launcher has no filter (kLauncherNotEnforced says why).
[[nodiscard]] ThreadTable LauncherTable();

inline constexpr std::string_view kLauncherNotEnforced =
    "not enforced: a filter needs no_new_privs, which would forbid the SELinux transition of the next boot's roles";

}  // namespace husk
