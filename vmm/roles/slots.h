// The fixed descriptor slots of each role. Fixed, so that a seccomp filter can name them. What a role opens for itself
// comes behind kEnd.
#pragma once

namespace husk {

// Of virtio devices, as many as kMaxDevices (vmm/roles/role_configs.h).
inline constexpr int kDeviceSlots = 13;

// 0, 1 and 2 are /dev/null in every role.
namespace vmm_slot {
inline constexpr int kLauncher = 3;      // channel to the launcher
inline constexpr int kKvm = 4;           // /dev/kvm; closed before the guest runs
inline constexpr int kWakeConsole = 5;   // eventfd, written
inline constexpr int kWakeVmm = 6;       // eventfd, read
inline constexpr int kKernel = 7;        // the kernel, or the image it is in, read-only; closed before the guest runs
inline constexpr int kInitrd = 8;        // the initrds, when there are any; likewise
inline constexpr int kVm = 9;            // the KVM VM, made by the vmm itself, like what follows
inline constexpr int kGuestEnded = 10;   // eventfd, read and written
inline constexpr int kWakeControl = 11;  // eventfd, read and written
inline constexpr int kUartLine = 12;     // eventfd, written
inline constexpr int kButtonLine = 13;   // eventfd, written
// Three for each virtio device.
inline constexpr int kFirstDevice = 16;
constexpr int Worker(int device) { return kFirstDevice + 3 * device; }  // channel to its worker
constexpr int Interrupt(int device) {
    return kFirstDevice + 3 * device + 1;
}  // eventfd, written (configuration changes)
constexpr int Doorbell(int device) { return kFirstDevice + 3 * device + 2; }  // eventfd, given to KVM
// One for each virtio device.
inline constexpr int kFirstAcknowledged = kFirstDevice + 3 * kDeviceSlots + 1;
constexpr int Acknowledged(int device) {
    return kFirstAcknowledged + device;
}  // eventfd, given to KVM; read at the end
inline constexpr int kEnd = kFirstAcknowledged + kDeviceSlots;
// Behind what the vmm opens without a slot.
inline constexpr int kFirstVcpu = 128;
constexpr int Vcpu(int vcpu) { return kFirstVcpu + vcpu; }  // a KVM vCPU
}  // namespace vmm_slot

namespace console_slot {
inline constexpr int kLauncher = 3;
inline constexpr int kVmm = 4;
inline constexpr int kWakeConsole = 5;  // eventfd, read
inline constexpr int kWakeVmm = 6;      // eventfd, written
inline constexpr int kInput = 7;        // when something can be typed
inline constexpr int kOutput = 8;       // when there is somewhere to write
inline constexpr int kClient = 9;       // the connected client of a unix socket, which comes and goes
inline constexpr int kInterrupt = 10;   // eventfd, written
inline constexpr int kDoorbell = 11;    // eventfd, read
inline constexpr int kGuestRam = 12;    // comes with a message from the vmm
inline constexpr int kLog = 13;         // a file, when what is shown is logged
// The client of each named port, counted from 1; they come and go, too.
inline constexpr int kFirstPortClient = 14;
constexpr int PortClient(int port) { return kFirstPortClient + port - 1; }
inline constexpr int kEnd = kFirstPortClient + 4;
}  // namespace console_slot

namespace blk_slot {
inline constexpr int kLauncher = 3;
inline constexpr int kVmm = 4;
inline constexpr int kInterrupt = 5;     // eventfd, written
inline constexpr int kDoorbell = 6;      // eventfd, read
inline constexpr int kDisk = 7;          // the image or block device
inline constexpr int kGuestRam = 8;      // comes with a message from the vmm
inline constexpr int kPoolDoorbell = 9;  // eventfd of its own, read and written; or
inline constexpr int kRing = 10;         // an io_uring of its own
inline constexpr int kScratch = 11;      // of an ephemeral disk: where writes go
inline constexpr int kEnd = 12;
}  // namespace blk_slot

namespace net_slot {
inline constexpr int kLauncher = 3;
inline constexpr int kVmm = 4;
inline constexpr int kInterrupt = 5;  // eventfd, written
inline constexpr int kDoorbell = 6;   // eventfd, read
inline constexpr int kGuestRam = 7;   // comes with a message from the vmm
inline constexpr int kCapture = 8;    // the file that frames are dumped to, when there is one
inline constexpr int kFirstWire = 9;  // the queues of a tap, or a socket
inline constexpr int kWires = 7;
constexpr int Wire(int queue) { return kFirstWire + queue; }
inline constexpr int kEnd = kFirstWire + kWires;
}  // namespace net_slot

namespace reader_slot {
inline constexpr int kLauncher = 3;  // closed before the first byte of the source is read
inline constexpr int kSource = 4;    // the image or file, read-only
inline constexpr int kReport = 5;    // a pipe of packets, written
inline constexpr int kInitrd = 6;    // only to check a kernel with an initrd: that one, read-only
inline constexpr int kEnd = 7;
}  // namespace reader_slot

}  // namespace husk
