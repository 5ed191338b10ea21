"""What a VM's processes take: memory beyond guest RAM, page tables, threads, descriptors, libraries. As root: roles are sealed."""

import os
import pathlib
import re
import signal
import time

from harness.context import Failure

MAPPING = re.compile(r"^[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ \d+ *(.*)$")
CPU_CLOCK = 2  # a process's processor time: clock_getcpuclockid(3)
HUSK_RAM = "/memfd:husk-guest-ram"
LIBRARY = re.compile(r"\.so[.\d]*$")


def family(launcher):
    """The process and all that descend from it."""
    parents = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue  # gone meanwhile
    found = [launcher]
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found


def is_alive(pid):
    """One that has ended holds nothing any more, whether somebody has asked for its status or not."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def end(process):
    """Kills a VM by its launcher and waits for all of its processes, which hold its disk."""
    pids = family(process.pid)
    process.kill()
    process.communicate()
    deadline = time.monotonic() + 10
    while any(is_alive(pid) for pid in pids):
        if time.monotonic() > deadline:
            raise Failure(f"processes are left: {pids}")
        time.sleep(0.002)


def end_all(process, ask, patience=20):
    """Of a script and what it has started: asks it by a signal, so that it can clean up, then kills whatever is left."""
    pids = family(process.pid)
    process.send_signal(ask)
    until = time.monotonic() + patience
    while any(is_alive(pid) for pid in pids) and time.monotonic() < until:
        time.sleep(0.05)
    for pid in pids:
        if is_alive(pid):
            os.kill(pid, signal.SIGKILL)
    process.communicate()


def processor_time(pid):
    """Seconds, user and system, those of ended threads included and those of children not."""
    return time.clock_gettime_ns((~pid << 3) | CPU_CLOCK) / 1e9


def role(pid):
    """Of one of husk's: launcher, vmm, console, blk0 ..."""
    title = re.match(r"husk: (\w+) ", pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode())
    return title[1] if title else "launcher"


def mappings(pid):
    """[(what is mapped, KiB of address space, KiB of proportional set size)]"""
    found = []
    for line in pathlib.Path(f"/proc/{pid}/smaps").read_text().splitlines():
        if mapping := MAPPING.match(line):
            found.append([mapping[1], 0, 0])
        elif line.startswith(("Size:", "Pss:")):
            found[-1][1 if line.startswith("Size:") else 2] = int(line.split()[1])
    return found


def is_guest_memory(name, size, memory):
    """husk's has a name; QEMU's is the mapping of that size without one."""
    return name.startswith(HUSK_RAM) or (name == "" and size == memory * 1024)


def beyond_guest_memory(pid, memory):
    """KiB of proportional set size. `memory`: MiB of the guest."""
    maps = mappings(pid)
    return sum(pss for name, size, pss in maps if not is_guest_memory(name, size, memory))


def check_guest_memory(pids, memory):
    """Or what is left out would be something else: all of it, once in each process that has it."""
    sizes = [size for pid in pids for name, size, _ in mappings(pid) if is_guest_memory(name, size, memory)]
    if not sizes or any(size != memory * 1024 for size in sizes):
        raise Failure(f"guest memory of {memory} MiB is not what the processes map: {sizes} KiB")


def status_number(pid, key):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(rf"^{key}:\s+(\d+)", text, re.MULTILINE)[1])


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def libraries(pid):
    """The shared libraries that the process has mapped, the dynamic linker included."""
    return {name for name, _, _ in mappings(pid) if LIBRARY.search(name)}
