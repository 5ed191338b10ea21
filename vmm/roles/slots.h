// The fixed descriptor slots of each role. Fixed, so that a seccomp filter can name them.
#pragma once

namespace husk {

// 0, 1 and 2 are /dev/null in every role.
namespace vmm_slot {
inline constexpr int kLauncher = 3;     // channel to the launcher
inline constexpr int kConsole = 4;      // channel to the console role
inline constexpr int kKvm = 5;          // /dev/kvm; closed before the guest runs
inline constexpr int kWakeConsole = 6;  // eventfd, written
inline constexpr int kWakeVmm = 7;      // eventfd, read
inline constexpr int kKernel = 8;       // the kernel image, read-only; closed before the guest runs
inline constexpr int kInitrd = 9;       // the initrd, when there is one; likewise
}  // namespace vmm_slot

namespace console_slot {
inline constexpr int kLauncher = 3;
inline constexpr int kVmm = 4;
inline constexpr int kWakeConsole = 5;  // eventfd, read
inline constexpr int kWakeVmm = 6;      // eventfd, written
inline constexpr int kInput = 7;        // when something can be typed
inline constexpr int kOutput = 8;       // when there is somewhere to write
inline constexpr int kClient = 9;       // the connected client of a unix socket, which comes and goes
}  // namespace console_slot

}  // namespace husk
