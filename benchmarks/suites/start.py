"""Start-up: to the first guest instruction in wall time and in processor time, through a whole boot, and how many VMs a second."""

import concurrent.futures
import os
import select
import subprocess
import time

from harness.confinement import ALL_LAYERS, WITHOUT, timeline, without
from harness.context import Failure, NotMeasured
from harness.figures import Figure, Target
from harness.machines import BOOTED, LINUX, QEMU_POWERED_OFF, Machine, make_disk, make_initrd, need_qemu
from harness.processes import end
from harness.start_trace import Trace

ABOUT = "start-up beside QEMU microvm with the same devices, and what confinement and each process have of it"
KERNELS = ("bzImage", "vmlinux")
# reboot=t in LINUX: the guest ends by a crash on either, so that nothing depends on what a kernel knows of the machine.
HUSK_REBOOTED, QEMU_REBOOTED = 4, 0
START_TARGET = Target("qemu", at_most=0.25)
LIFE = 60.0  # seconds after which one counts as never ending


def milliseconds(seconds):
    return [1000 * each for each in seconds]


def take_turns(turns, measures):
    """{name: [what it measured in each turn]} of {name: function}, A B A B."""
    found = {name: [] for name in measures}
    for _ in range(turns):
        for name, measure in measures.items():
            found[name].append(measure())
    return found


# --- to the first KVM_RUN

def first_runs(trace, husk, machine, turns, husk_status=0, qemu_status=QEMU_POWERED_OFF):
    return take_turns(turns, {"husk": lambda: trace.start(machine.husk(husk), (husk_status,)),
                              "qemu": lambda: trace.start(machine.qemu(), (qemu_status,))})


def first_run_figures(name, what, starts):
    return [Figure(f"start.first-run.{name}.{key}", f"exec to the first guest instruction, {kind}: {what}", "ms",
                   {who: milliseconds(getattr(start, part) for start in of) for who, of in starts.items()}, targets=targets)
            for key, kind, part, targets in (("cpu", "processor time of all processes", "processor", [START_TARGET]),
                                             ("wall", "wall time", "wall", []))]


def by_process(starts):
    names = sorted({name for start in starts for name in start.by_process()})
    return Figure("start.first-run.by-process", "exec to the first guest instruction, processor time of each process: a bare-metal guest, one "
                  "disk, one console, one network card", "ms",
                  {"husk": milliseconds(start.processor for start in starts)} |
                  {name: milliseconds(start.by_process()[name] for start in starts) for name in names}, parts=True)


def bare_metal_first_runs(context, trace, disk):
    guest = context.build / "tests/guest/guests/hello"
    turns = context.pick(1, 5, 25)
    whats = {"console": ("a bare-metal guest, one console", Machine(guest)),
             "disk": ("a bare-metal guest, one console, one disk", Machine(guest, disks=[disk])),
             "disk-net": ("a bare-metal guest, one console, one disk, one network card", Machine(guest, disks=[disk], nets=1))}
    figures = []
    for name, (what, machine) in whats.items():
        starts = first_runs(trace, context.husk, machine, turns)
        figures += first_run_figures(name, what, starts)
    return figures + [by_process(starts["husk"])]


def linux(kernel, initrd, **devices):
    return Machine(kernel, initrd=initrd, command_line=LINUX, memory=256, **devices)


# --- whole lives

def await_readable(what, until, command):
    if not select.select([what], [], [], max(0.0, until - time.monotonic()))[0]:
        raise Failure(f"not over after {LIFE:.0f} s: {' '.join(command)}")


def live(command, status, said=b""):
    """(seconds, seconds of the processor) of a command and all of its processes. They are waited for by whoever started them, so the
    time of all of them is the command's own in the end."""
    begun = time.monotonic()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    printed, handle = b"", os.pidfd_open(process.pid)
    try:
        more = b"it is alive"
        while more:
            await_readable(process.stdout, begun + LIFE, command)
            more = os.read(process.stdout.fileno(), 1 << 16)
            printed += more
        await_readable(handle, begun + LIFE, command)
        _, waited, usage = os.wait4(process.pid, 0)
        spent = time.monotonic() - begun
        process.returncode = os.waitstatus_to_exitcode(waited)
    finally:
        os.close(handle)
        if process.returncode is None:
            end(process)
        process.stdout.close()
    if process.returncode != status or said not in printed:
        raise Failure(f"status {process.returncode} of {' '.join(command)}: {printed[-2000:].decode(errors='replace')}")
    return spent, usage.ru_utime + usage.ru_stime


def whole_boots(husk, machine, turns):
    return take_turns(turns, {"husk": lambda: live(machine.husk(husk), HUSK_REBOOTED, BOOTED),
                              "qemu": lambda: live(machine.qemu(), QEMU_REBOOTED, BOOTED)})


def linux_machines(folder, initrd, disk):
    """{kernel: (what it is, the machine)}"""
    return {kernel: (f"{kernel} of a Linux, one console, one disk, one network card", linux(folder / kernel, initrd, disks=[disk], nets=1))
            for kernel in KERNELS}


def linux_first_runs(context, trace, machines):
    figures = []
    for kernel, (what, machine) in machines.items():
        figures += first_run_figures(kernel.lower(), what, first_runs(
            trace, context.husk, machine, context.pick(1, 4, 15), HUSK_REBOOTED, QEMU_REBOOTED))
    return figures


def linux_boots(context, machines):
    figures = []
    for kernel, (what, machine) in machines.items():
        lives = whole_boots(context.husk, machine, context.pick(1, 3, 15))
        figures += [Figure(f"start.boot.{kernel.lower()}.{key}", f"exec, boot to init, reboot, exit, {kind}: {what}", "ms",
                           {who: milliseconds(each[part] for each in of) for who, of in lives.items()})
                    for part, key, kind in ((1, "cpu", "processor time of all processes"), (0, "wall", "wall time"))]
    return figures


def per_second(commands, status, count):
    """Each of the commands `count` times, side by side."""
    begun = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(len(commands)) as pool:
        for lives in [pool.submit(lambda command=command: [live(command, status) for _ in range(count)]) for command in commands]:
            lives.result()
    return len(commands) * count / (time.monotonic() - begun)


def rates(context):
    disks = [make_disk(context.scratch, f"disk{number}.raw") for number in range(2)]  # nobody else may have a VM's disk
    machines = [Machine(context.build / "tests/guest/guests/hello", disks=[disk], nets=1) for disk in disks]
    count = context.pick(2, 6, 20)
    figures = []
    for at_once, name, what in ((1, "one", "one after the other"), (2, "two", "two at a time")):
        some = machines[:at_once]
        found = take_turns(context.pick(1, 3, 7), {
            "husk": lambda: per_second([machine.husk(context.husk) for machine in some], 0, count // at_once),
            "qemu": lambda: per_second([machine.qemu() for machine in some], QEMU_POWERED_OFF, count // at_once)})
        figures.append(Figure(f"start.rate.{name}", f"VMs from exec to power-off, {what}: a bare-metal guest, one disk, one console, "
                              "one network card", "VMs/s", found, better="higher"))
    return figures


# --- where husk's own time goes

def timelines(context, disk):
    variants = {"husk": "", "unconfined": WITHOUT[ALL_LAYERS], "no-namespaces": WITHOUT["all namespaces"], "no-seccomp": "seccomp"}
    if context.tier == "full":
        variants |= {f"no-{layer}": layers for layer, layers in WITHOUT.items() if " " not in layer}
    found = take_turns(context.pick(1, 4, 15), {
        who: lambda layers=layers: timeline(context.run, context.build, context.scratch, disk, layers) for who, layers in variants.items()})
    marks = [mark for mark in found["husk"][0] if mark not in ("first_run", "first_console_byte", "guest_ended", "exit")]
    own = {"husk": [each["first_run"] / 1000 for each in found["husk"]]}
    return [
        Figure("start.timeline", "exec to the first guest instruction, wall time, and to what comes before it: a bare-metal guest, one disk, "
               "one console", "ms",
               own | {mark.replace("_", "-"): [each[mark] / 1000 for each in found["husk"]] for mark in marks}, parts=True),
        Figure("start.confinement.wall", "exec to the first guest instruction, wall time, with and without layers of confinement", "ms",
               {who: [each["first_run"] / 1000 for each in of] for who, of in found.items()})]


def confinement_processor_time(context, trace, disk):
    machine = Machine(context.build / "tests/guest/guests/hello", disks=[disk])
    variants = {"husk": "", "unconfined": WITHOUT[ALL_LAYERS], "no-namespaces": WITHOUT["all namespaces"], "no-seccomp": "seccomp"}
    found = take_turns(context.pick(1, 4, 15), {
        who: lambda layers=layers: trace.start(machine.husk(context.husk, *without(layers))) for who, layers in variants.items()})
    return [Figure("start.confinement.cpu", "exec to the first guest instruction, processor time, with and without layers of confinement", "ms",
                   {who: milliseconds(start.processor for start in of) for who, of in found.items()})]


def measure(context):
    context.need_kvm()
    need_qemu()
    disk = make_disk(context.scratch)
    try:
        machines, missing = linux_machines(context.native_guest(), make_initrd(context.scratch), disk), []
    except NotMeasured as reason:
        machines, missing = {}, [f"no Linux: {reason}"]
    figures = []
    try:
        with Trace() as trace:
            figures += bare_metal_first_runs(context, trace, disk) + linux_first_runs(context, trace, machines)
            figures += confinement_processor_time(context, trace, disk)
    except NotMeasured as reason:
        missing.append(f"no processor time and no wall time to the first instruction: {reason}")
    figures += linux_boots(context, machines) + rates(context) + timelines(context, disk)
    figures[0].note = "; ".join(missing)
    return figures
