// The device workers' threads, and the launcher.
#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

#include <utility>

#include "sandbox/seccomp/table_rows.h"
#include "sandbox/seccomp/tables.h"

namespace husk {

using namespace table_rows;

namespace {

// What may wait for the disk. Flags are checked: none of what else preadv2 and pwritev2 can do.
void AllowFile(ThreadTable& table, ArgumentCheck disk) {
    const ArgumentCheck no_flags{5, "flags", 0, ""};
    table.Allow(HUSK_SYSCALL(preadv2), {disk, no_flags}, "the guest reads");
    table.Allow(HUSK_SYSCALL(pwritev2), {disk, no_flags}, "the guest writes");
    for (const auto& [mode, name] :
         {std::pair<std::uint64_t, std::string_view>{FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, "PUNCH_HOLE"},
          {FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, "ZERO_RANGE"}}) {
        table.Allow(HUSK_SYSCALL(fallocate), {disk, {1, "mode", mode, name}}, "the guest discards or zeroes");
    }
}

// The disk, and the scratch file of an ephemeral one.
void AllowDisk(ThreadTable& table, const BlkNumbers& numbers) {
    AllowFile(table, Fd(numbers.disk, "disk"));
    AllowFile(table, Fd(numbers.scratch, "scratch"));
    table.Allow(HUSK_SYSCALL(fdatasync), {Fd(numbers.disk, "disk")}, "the guest flushes");
}

// What the loop needs whatever waits for the disk in its place.
ThreadTable LoopTable(std::string_view name, const BlkNumbers& numbers) {
    ThreadTable table(name);
    table.Allow(HUSK_SYSCALL(poll), {}, "waits for the driver, the vmm, the launcher, and what waits for the disk");
    table.Allow(HUSK_SYSCALL(read), {Fd(numbers.doorbell, "doorbell")}, "the driver queued requests");
    table.Allow(HUSK_SYSCALL(read), {Fd(numbers.vmm, "vmm")}, "activate, stop, configure");
    table.Allow(HUSK_SYSCALL(read), {Fd(numbers.launcher, "launcher")}, "the disk has another size");
    table.Allow(HUSK_SYSCALL(write), {Fd(numbers.interrupt, "interrupt")}, "requests are done");
    table.Allow(HUSK_SYSCALL(write), {Fd(numbers.vmm, "vmm")}, "stopped, configured, needs a reset, has another size");
    table.Allow(HUSK_SYSCALL(write), {Fd(numbers.launcher, "launcher")},
                "reports: ready, host I/O failed, forbidden system call");
    for (const ArgumentCheck& file : {Fd(numbers.disk, "disk"), Fd(numbers.scratch, "scratch")}) {
        table.Allow(HUSK_SYSCALL(preadv2), {file, {5, "flags", RWF_NOWAIT, "RWF_NOWAIT"}},
                    "the guest reads what the page cache holds");
    }
    AllowDisk(table, numbers);
    AllowCommon(table);
    return table;
}

// The socket of a client that arrived goes to its slot.
void AllowNextClient(ThreadTable& table, int slot, std::string_view name) {
    table.Allow(HUSK_SYSCALL(dup3),
                {{1, "new fd", static_cast<std::uint64_t>(slot), name}, {2, "flags", O_CLOEXEC, "O_CLOEXEC"}},
                "a client came (its socket goes to its slot) or went (/dev/null does)");
}

}  // namespace

ThreadTable BlkLoopTable(const BlkNumbers& numbers) {
    ThreadTable table = LoopTable("blk: loop", numbers);
    table.Allow(HUSK_SYSCALL(read), {Fd(numbers.pool_doorbell, "pool_doorbell")}, "the pool finished requests");
    AllowFutex(table, "wakes the pool; the lock around fdatasync");
    return table;
}

ThreadTable BlkRingLoopTable(const BlkNumbers& numbers) {
    ThreadTable table = LoopTable("blk: loop with io_uring", numbers);
    table.Allow(HUSK_SYSCALL(io_uring_enter), {Fd(numbers.ring, "ring"), {3, "flags", 0, ""}},
                "hands requests to a ring that can do no more to the disk than the rows of its own");
    return table;
}

ThreadTable BlkPoolTable(const BlkNumbers& numbers) {
    ThreadTable table("blk: pool");
    AllowDisk(table, numbers);
    AllowFutex(table, "waits for work; the lock around fdatasync");
    table.Allow(HUSK_SYSCALL(write), {Fd(numbers.pool_doorbell, "pool_doorbell")}, "wakes the loop: a request is done");
    table.Allow(HUSK_SYSCALL(write), {Fd(numbers.launcher, "launcher")}, "reports a forbidden system call");
    AllowCommon(table);
    return table;
}

ThreadTable ConsoleTable(const ConsoleNumbers& numbers) {
    ThreadTable table("console");
    table.Allow(HUSK_SYSCALL(ppoll), {}, "waits for the driver, the vmm, the person and the launcher");
    table.Allow(HUSK_SYSCALL(read), {Fd(numbers.vmm, "vmm")}, "activate, stop");
    table.Allow(HUSK_SYSCALL(read), {Fd(numbers.wake_console, "wake_console")}, "the UART has output, or room");
    table.Allow(HUSK_SYSCALL(read), {Fd(numbers.doorbell, "doorbell")}, "the driver queued buffers");
    table.Allow(HUSK_SYSCALL(read), {Fd(numbers.input, "input")}, "what is typed");
    table.Allow(HUSK_SYSCALL(read), {Fd(numbers.client, "client")}, "what is typed");
    table.Allow(HUSK_SYSCALL(write), {Fd(numbers.vmm, "vmm")}, "stopped, needs a reset, window size");
    table.Allow(HUSK_SYSCALL(write), {Fd(numbers.wake_vmm, "wake_vmm")}, "the UART has input, or room");
    table.Allow(HUSK_SYSCALL(write), {Fd(numbers.interrupt, "interrupt")}, "buffers are used");
    table.Allow(HUSK_SYSCALL(write), {Fd(numbers.output, "output")}, "what the guest writes");
    table.Allow(HUSK_SYSCALL(write), {Fd(numbers.client, "client")}, "what the guest writes");
    table.Allow(HUSK_SYSCALL(write), {Fd(numbers.launcher, "launcher")},
                "reports: ready, the person asks to quit, forbidden system call");
    table.Allow(HUSK_SYSCALL(pwrite64), {Fd(numbers.log, "log")}, "what the guest writes");
    table.Allow(HUSK_SYSCALL(pread64), {Fd(numbers.log, "log")}, "the newer half of a full log, copied down");
    table.Allow(HUSK_SYSCALL(ftruncate), {Fd(numbers.log, "log")}, "the older half of a full log goes");
    table.Allow(HUSK_SYSCALL(recvmsg), {Fd(numbers.launcher, "launcher")}, "drain, and the next client's socket");
    AllowNextClient(table, numbers.client, "client");
    for (const int client : numbers.port_clients) {
        table.Allow(HUSK_SYSCALL(read), {Fd(client, "port client")}, "what the client of a port sends");
        table.Allow(HUSK_SYSCALL(write), {Fd(client, "port client")}, "what the guest writes to a port");
        AllowNextClient(table, client, "port client");
    }
    table.Allow(HUSK_SYSCALL(close), {}, "the number that a client's socket arrived on: whichever was free");
    table.Allow(HUSK_SYSCALL(ioctl), {Fd(numbers.input, "input"), Request(TIOCGWINSZ, "TIOCGWINSZ")},
                "the terminal's size");
    table.Allow(HUSK_SYSCALL(ioctl), {Fd(numbers.output, "output"), Request(TIOCGWINSZ, "TIOCGWINSZ")},
                "the terminal's size");
    table.Allow(HUSK_SYSCALL(ioctl), {Fd(numbers.input, "input"), Request(TCSETS, "TCSETS")},
                "puts the terminal back when the launcher was killed");
    AllowCommon(table);
    return table;
}

ThreadTable ReaderTable(const ReaderNumbers& numbers) {
    ThreadTable table("reader");
    table.Allow(HUSK_SYSCALL(pread64), {Fd(numbers.source, "source")},
                "the image, or the file that describes a system");
    table.Allow(HUSK_SYSCALL(pread64), {Fd(numbers.initrd, "initrd")}, "the initrd of a system that is checked");
    table.Allow(HUSK_SYSCALL(write), {Fd(numbers.report, "report")},
                "what there is to boot, and where it is; forbidden system call");
    AllowCommon(table);
    return table;
}

ThreadTable LauncherTable() {
    ThreadTable table("launcher");
    table.Allow(HUSK_SYSCALL(poll), {}, "waits for roles, signals and clients");
    table.Allow(HUSK_SYSCALL(read), {}, "a signal (signalfd)");
    table.Allow(HUSK_SYSCALL(recvmsg), {}, "what a role reports, and its statistics");
    table.Allow(HUSK_SYSCALL(recvfrom), {}, "is there a last message of a role that died");
    table.Allow(HUSK_SYSCALL(sendmsg), {}, "go, power button, stop, drain, a client's socket, pty opened");
    table.Allow(HUSK_SYSCALL(wait4), {}, "how a role ended");
    table.Allow(HUSK_SYSCALL(kill), {}, "ends a role that does not end by itself");
    table.Allow(HUSK_SYSCALL(accept4), {}, "a client of the console's socket");
    table.Allow(HUSK_SYSCALL(write), {}, "the log");
    table.Allow(HUSK_SYSCALL(ioctl), {}, "the terminal, raw and back; how much a role has left unread");
    table.Allow(HUSK_SYSCALL(close), {}, "a client's socket, a role's descriptors");
    table.Allow(HUSK_SYSCALL(mmap), {}, "a role's statistics; the heap, which the launcher may use");
    table.Allow(HUSK_SYSCALL(munmap), {}, "likewise");
    table.Allow(HUSK_SYSCALL(brk), {}, "the heap");
    table.Allow(HUSK_SYSCALL(newfstatat), {}, "checks the statistics' descriptor");
    table.Allow(HUSK_SYSCALL(fcntl), {}, "checks its seals");
    AllowUncounted(table);
    return table;
}

}  // namespace husk
