// The network workers' thread.
#include <linux/if_tun.h>
#include <sys/ioctl.h>

#include "sandbox/seccomp/table_rows.h"
#include "sandbox/seccomp/tables.h"

namespace husk {

using namespace table_rows;

ThreadTable NetTable(const NetNumbers& numbers) {
    ThreadTable table("net");
    for (const int wire : numbers.wires) {
        table.Allow(HUSK_SYSCALL(writev), {Fd(wire, "wire")}, "the guest sends a frame");
        table.Allow(HUSK_SYSCALL(write), {Fd(wire, "wire")},
                    "a small one, or the rest of one that a socket took a part of");
        table.Allow(HUSK_SYSCALL(readv), {Fd(wire, "wire")}, "a frame for the guest");
    }
    table.Allow(HUSK_SYSCALL(writev), {Fd(numbers.capture, "capture")}, "a frame into the capture file");
    // A socket instead of a tap is on the first slot.
    const int first = numbers.wires.front();
    table.Allow(HUSK_SYSCALL(read), {Fd(first, "wire")}, "frames from a socket");
    for (const std::uint64_t offloads : numbers.tap_offloads) {
        table.Allow(HUSK_SYSCALL(ioctl),
                    {Fd(first, "wire"), Request(TUNSETOFFLOAD, "TUNSETOFFLOAD"), {2, "offloads", offloads, ""}},
                    "a driver said what it can do for the host");
    }
    table.Allow(HUSK_SYSCALL(poll), {}, "waits for the driver, the wire and the vmm");
    table.Allow(HUSK_SYSCALL(read), {Fd(numbers.doorbell, "doorbell")}, "the driver queued buffers");
    table.Allow(HUSK_SYSCALL(read), {Fd(numbers.vmm, "vmm")}, "activate, stop");
    table.Allow(HUSK_SYSCALL(write), {Fd(numbers.interrupt, "interrupt")}, "buffers are used");
    table.Allow(HUSK_SYSCALL(write), {Fd(numbers.vmm, "vmm")}, "stopped, needs a reset, the link's state");
    table.Allow(HUSK_SYSCALL(write), {Fd(numbers.launcher, "launcher")},
                "reports: ready, the wire is cut, forbidden system call");
    AllowCommon(table);
    return table;
}

}  // namespace husk
