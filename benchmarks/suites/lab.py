"""Counts that no load of the machine changes: instructions and exits in the lab, on a stock KVM, with a stock kernel."""

import collections

from harness.context import NotMeasured
from harness.figures import Figure, Target
from harness.lab import LabRun
from harness.start_trace import read_start

ABOUT = "instructions and exits on a stock KVM with unmodified Debian kernels, beside QEMU microvm; husk's run loop beside the bare ioctl"
EXITS_TARGET = Target("qemu", at_most=0.3)
START_TARGET = Target("qemu", at_most=0.25)
WHATS = {"pio-read": "a port is read", "pio-write": "a port is written", "mmio-read": "a trapped register is read",
         "mmio-write": "a trapped register is written"}
GUESTS = {"bare-metal": "a bare-metal guest", "linux": "Debian's kernel"}
DEVICES = "one disk, one console, one network card"
NOISE = "The same in every run but for some tenths of a percent: when the lab's disk answers is not counted in instructions."


def exit_costs(run):
    _, rows = run.exit_cost()
    figures = []
    for operation, of in rows.items():
        values = {who: [of["bare"] + of[column]] for who, column in (("husk", "husk_added"), ("qemu", "qemu_added"), ("loop", "loop_added"))}
        figures.append(Figure(f"lab.exit.{operation}", f"an exit to user space and back, {WHATS[operation]}", "instructions",
                              values | {"floor": [of["bare"]]}, exact=True, added_to_floor=True, targets=[EXITS_TARGET],
                              note="floor: nothing but ioctl(KVM_RUN); loop: husk's run loop without its confinement and threads"))
    page = float(run.find("exit-cost", r"^a read of the register page: ([\d.]+) instructions$")[0][1])
    trapped = rows["mmio-read"]
    figures.append(Figure("lab.register-page", "a read of a virtio register from husk's page, beside one that traps", "instructions",
                          {"husk": [page], "qemu": [trapped["bare"] + trapped["qemu_added"]]}, exact=True))
    return figures


def exits_of_a_boot(run):
    found = run.find("exits", r"^NOTE: husk (\d+); QEMU microvm,\S+ (\d+), the same with rtc=off (\d+); QEMU q35 (\d+)$")[0]
    husk, microvm, without_clock, q35 = ([float(count)] for count in found.groups())
    what = "exits to user space until a Debian kernel's first user-space line, one console"
    return [Figure("lab.exits-of-a-boot", what, "exits", {"husk": husk, "qemu": microvm}, exact=True),
            Figure("lab.exits-of-a-boot.others", f"{what}; beside other machines of QEMU's: microvm without a real-time clock, q35", "exits",
                   {"husk": husk, "without-clock": without_clock, "q35": q35})]


def starts(run):
    """{(guest, vmm): [(Start in instructions, instructions to the first line, the same without halts)]}"""
    found = collections.defaultdict(list)
    for match in run.find("start-cost", r"^start-cost: ([a-z-]+)-(husk|qemu)\n((?:.*\n)+?)start-cost: end, (\d+) ticks, (\d+) ns"):
        guest, vmm, trace, ticks, spent = match.groups()
        found[guest, vmm].append((read_start(trace.splitlines()), float(ticks), float(spent)))
    return found


def start_costs(run):
    found = starts(run)

    def figure(name, what, guest, pick, targets=()):
        values = {vmm: [pick(*each) / 1e6 for each in found[guest, vmm]] for vmm in ("husk", "qemu")}
        return Figure(f"lab.{name}", f"{what}: {GUESTS[guest]}, {DEVICES}", "million instructions", values, targets=list(targets), note=NOISE)

    own = [start for start, _, _ in found["linux", "husk"]]
    names = sorted({name for start in own for name in start.by_process()})
    figures = [figure(f"first-run.{guest}", "exec to the first guest instruction, what all processes execute", guest,
                      lambda start, *_: start.processor, [START_TARGET]) for guest in GUESTS]
    figures.append(Figure("lab.first-run.by-process", f"exec to the first guest instruction, what each process executes: {GUESTS['linux']}, {DEVICES}",
                          "million instructions", {"husk": [start.processor / 1e6 for start in own]} | {
                              name: [start.by_process()[name] / 1e6 for start in own] for name in names}, note=NOISE, parts=True))
    figures.append(figure("first-line", "exec to the first user-space line, what all processes and the guest execute", "linux",
                          lambda start, ticks, spent: spent))
    figures.append(figure("first-line.time", "exec to the first user-space line, by a clock that no halt stops (1 ns is an "
                          "instruction)", "linux", lambda start, ticks, spent: ticks))
    return figures


def measure(context):
    if context.tier != "full":
        raise NotMeasured("only in a full run")
    run = LabRun(context.build, "exit-cost", "exits", "start-cost")
    return exit_costs(run) + exits_of_a_boot(run) + start_costs(run)
