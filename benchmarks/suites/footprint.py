"""What a VM takes: memory beyond guest RAM, processes, threads, descriptors, libraries; and how large the program is."""

import collections
import dataclasses
import glob
import os
import pathlib
import re
import select
import shutil
import subprocess
import time

from harness.context import TOP, Failure, NotMeasured
from harness.figures import Figure, Target
from harness.machines import LINUX, QEMU, Machine, make_disk, make_initrd
from harness.processes import (beyond_guest_memory, check_guest_memory, descriptors, end, family, libraries, mappings,
                               role, status_number)

ABOUT = "memory of an idle VM beyond guest RAM, page tables, threads, descriptors, libraries, program size, beside QEMU microvm"
IDLE = b"idle"
SETTLED = 0.3  # seconds after the guest says that it idles
ALLOCATORS = "/usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.scudo_standalone-x86_64.so"
# Runs a command with $1 as its /etc, where nobody else sees it.
WITH_ETC = ["unshare", "--mount", "--propagation", "private", "sh", "-c", 'mount --bind "$1" /etc && shift && exec "$@"', "sh"]
MEMORY_TARGETS = [Target("qemu", at_most=0.1), Target(None, at_most=3.0)]
SIZE_TARGET = Target("qemu", at_most=0.1)
FOLDERS = ("vmm", "devices", "boot", "sandbox")
DEVICES = {"small": "one disk, one console, one network card", "all": "4 disks, one console with a port, 2 network cards"}


class Taken:
    """What one VM took, in KiB or as counts: of all its processes, and of each of husk's roles."""

    def __init__(self, launcher, memory):
        pids = family(launcher)
        check_guest_memory(pids, memory)
        self.memory, self.page_tables, self.threads, self.descriptors = (collections.Counter() for _ in range(4))
        self.libraries = {}
        for pid in pids:
            name = role(pid)
            self.memory[name] += beyond_guest_memory(pid, memory)
            self.page_tables[name] += status_number(pid, "VmPTE")
            self.threads[name] += status_number(pid, "Threads")
            self.descriptors[name] += descriptors(pid)
            self.libraries[name] = len(libraries(pid))


def observe(command, memory, preloaded):
    """Of a VM whose guest idles; it is ended afterwards."""
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    said, deadline = b"", time.monotonic() + 30
    try:
        while IDLE not in said.splitlines():
            if not select.select([process.stdout], [], [], max(0, deadline - time.monotonic()))[0]:
                raise Failure(f"the guest does not idle after 30 s: {' '.join(command)}: {said.decode(errors='replace')}")
            piece = os.read(process.stdout.fileno(), 4096)
            if not piece:
                raise Failure(f"{' '.join(command)}: {said.decode(errors='replace')}")
            said += piece
        time.sleep(SETTLED)
        if preloaded and not all(any(name == preloaded for name, _, _ in mappings(pid)) for pid in family(process.pid)):
            raise Failure(f"{preloaded} is not in every process")
        return Taken(process.pid, memory)
    finally:
        end(process)


class Programs:
    """Copies of both, so that other VMs of this machine share no page with what is measured; stripped, as they are installed."""

    def __init__(self, context):
        folder = context.scratch / "programs"
        folder.mkdir()
        self.husk, self.qemu = folder / "husk", folder / "qemu"
        for source, copy in ((context.husk, self.husk), (shutil.which(QEMU), self.qemu)):
            if source is None:
                raise NotMeasured(f"{QEMU} is missing")
            context.run(["strip", "-o", copy, source])
        # A QEMU elsewhere does not find its firmware by itself.
        self.firmware = [word for folder in context.run([QEMU, "-L", "help"]).split() for word in ("-L", folder)]


@dataclasses.dataclass
class Case:
    name: str
    what: str
    machine: Machine
    targets: list
    with_roles: bool = False


def bare_metal_case(context, devices, cpus):
    vm = Machine(context.build / "tests/guest/guests/idle", cpus=cpus, nets=1, disks=[make_disk(context.scratch)])
    if devices == "all":
        vm.disks += [make_disk(context.scratch, f"disk{number}.raw") for number in range(3)]
        vm.nets, vm.port = 2, context.scratch / "port"
    common = (devices, cpus) == ("small", 1)
    return Case(f"{devices}.{cpus}-cpu", f"{cpus} vCPU{'s' if cpus > 1 else ''}, {DEVICES[devices]}, a bare-metal guest", vm,
                MEMORY_TARGETS if common else [], common or (devices, cpus) == ("all", 4))


def linux_case(context):
    vm = Machine(context.native_guest() / "bzImage", initrd=make_initrd(context.scratch, IDLE, "sleep 1000000"), command_line=LINUX,
                 memory=256, nets=1, disks=[make_disk(context.scratch)])
    return Case("linux", f"1 vCPU, {DEVICES['small']}, a Linux (QEMU keeps a copy of its kernel)", vm, MEMORY_TARGETS)


def cases(context):
    """(them, what is missing)"""
    found = [bare_metal_case(context, devices, cpus) for devices in DEVICES for cpus in (1, 4)]
    if context.tier == "once":
        return found[:1], ""
    try:
        return [*found, linux_case(context)], ""
    except NotMeasured as reason:
        return found, f"; not measured: a Linux: {reason}"


def preloading(context):
    """(the words that run a command with a hardened allocator preloaded, the allocator's file)"""
    found = sorted(glob.glob(ALLOCATORS))
    if not found:
        raise NotMeasured("no hardened allocator to preload (Debian's libclang-rt-19-dev has scudo)")
    etc = context.scratch / "etc"
    etc.mkdir(exist_ok=True)
    shutil.copy("/etc/ld.so.cache", etc)
    (etc / "ld.so.preload").write_text(found[-1] + "\n")
    return [*WITH_ETC, str(etc)], found[-1]


def observe_in_turns(context, programs, vm, prefix=(), allocator=None):
    """{who: [Taken of each turn]}"""
    found = {"husk": [], "qemu": []}
    for _ in range(context.pick(1, 1, 5)):
        for who, command in (("husk", vm.husk(programs.husk)), ("qemu", vm.qemu(programs.qemu, *programs.firmware))):
            if vm.port:
                vm.port.unlink(missing_ok=True)
            found[who].append(observe([*prefix, *command], vm.memory, allocator))
    return found


def sums(takens, what, scale=1):
    return [sum(getattr(taken, what).values()) / scale for taken in takens]


def of_each_role(takens, what, scale=1):
    return {name: [getattr(taken, what)[name] / scale for taken in takens] for name in getattr(takens[0], what)}


def memory_figures(name, what, found, targets=()):
    note = "proportional set size of all processes but guest RAM; libraries are shared with whatever else runs"
    return [Figure(f"footprint.memory.{name}", f"memory beyond guest RAM of an idle VM, {what}", "MiB",
                   {who: sums(takens, "memory", 1024) for who, takens in found.items()}, targets=list(targets), note=note),
            Figure(f"footprint.page-tables.{name}", f"page tables of an idle VM's processes, {what}", "KiB",
                   {who: sums(takens, "page_tables") for who, takens in found.items()})]


def role_figures(name, what, found):
    """How it is spread over the processes."""
    husk, qemu = found["husk"], found["qemu"]
    worst = {who: [float(max(taken.libraries.values())) for taken in takens] for who, takens in found.items()}
    return [
        Figure(f"footprint.memory.{name}.by-process", f"memory beyond guest RAM of each process, {what}", "MiB",
               {"husk": sums(husk, "memory", 1024)} | of_each_role(husk, "memory", 1024), parts=True),
        Figure(f"footprint.threads.{name}", f"threads, {what}", "threads",
               {"husk": sums(husk, "threads"), "qemu": sums(qemu, "threads")} | of_each_role(husk, "threads"), exact=True, parts=True),
        Figure(f"footprint.descriptors.{name}", f"open file descriptors, {what}", "descriptors",
               {"husk": sums(husk, "descriptors"), "qemu": sums(qemu, "descriptors")} | of_each_role(husk, "descriptors"), exact=True,
               parts=True),
        Figure(f"footprint.libraries.{name}", f"shared libraries mapped, of husk in the process that has most, {what}", "libraries", worst,
               exact=True)]


def program_figures(context, programs):
    sizes = {who: [os.stat(program).st_size / (1 << 20)] for who, program in (("husk", programs.husk), ("qemu", programs.qemu))}
    figures = [Figure("footprint.program", "size of the program, stripped", "MiB", sizes, exact=True, targets=[SIZE_TARGET],
                      note="one file is all of husk; QEMU's firmware and modules are not counted")]
    lines = {folder: [float(lines_of(TOP / folder))] for folder in FOLDERS}
    figures.append(Figure("footprint.lines", "lines of C++ without blank ones, tests and benchmarks", "lines",
                          {"husk": [sum(count for count, in lines.values())]} | lines, exact=True, parts=True))
    printed = context.run([context.husk, "doctor", "--seccomp"])
    calls = {who.replace(": ", "-").replace(" ", "-"): [float(count)]
             for who, count in re.findall(r"^([a-z][\w: ]*): (\d+) system calls, \d+ rules", printed, re.MULTILINE)}
    if not calls:
        raise Failure("'husk doctor --seccomp' names no system calls")
    sealed = [count for who, (count,) in calls.items() if who != "launcher"]
    figures.append(Figure("footprint.system-calls", "system calls that the kind of sealed thread with most may make", "system calls",
                          {"husk": [max(sealed)]} | calls, exact=True, parts=True))
    return figures


def lines_of(folder):
    return sum(1 for path in pathlib.Path(folder).rglob("*") if path.suffix in (".cc", ".h")
               for line in path.read_text().splitlines() if line.strip())


def measure(context):
    context.need_kvm()
    if os.geteuid() != 0:
        raise NotMeasured("what a sealed process has mapped is for root only")
    programs = Programs(context)
    figures = program_figures(context, programs)
    wanted, missing = cases(context)
    for case in wanted:
        found = observe_in_turns(context, programs, case.machine)
        figures += memory_figures(case.name, case.what, found, case.targets)
        figures += role_figures(case.name, case.what, found) if case.with_roles else []
    try:
        prefix, allocator = preloading(context)
        for case in wanted if context.tier == "full" else [case for case in wanted if case.with_roles]:
            found = observe_in_turns(context, programs, case.machine, prefix, allocator)
            figures += memory_figures(f"{case.name}.preloaded", f"{case.what}, a hardened allocator preloaded", found)
    except NotMeasured as reason:
        missing += f"; not measured: with a preloaded allocator: {reason}"
    figures[0].note += missing
    return figures
