ABOUT = "many VMs at once: what each of them costs from the first to the last, and what is left when they have ended, beside QEMU microvm"

import dataclasses
import os
import pathlib
import signal
import statistics
import time

from harness.context import Failure, NotMeasured
from harness.figures import FLOOR, HUSK, QEMU, Figure
from harness.fleet import REFERENCE, Fleet, available_memory, kernel_memory
from harness.idle_machines import SIGN, IdleMachine, sleeping_initrd
from harness.leftovers import Before
from harness.machines import need_qemu

RESERVE = 2048  # MiB of available memory that others keep
SETTLES = 0.1  # seconds after the last guest's line until its VM is at rest
SAMPLE = 5  # VMs of a step whose memory is added up
END_SIGNALS = (signal.SIGTERM, signal.SIGINT)  # the power button, then the end; two of one kind could become one
END_STATUSES = (128 + signal.SIGTERM, 128 + signal.SIGINT)
FEWEST_FOR_A_LINE = 3  # steps


@dataclasses.dataclass
class Plan:
    """How many VMs: in a ramp of husk's alone, in turns with QEMU, and in a fleet whose launchers are killed (0: none is)."""
    vms: int
    step: int
    turns: int
    in_a_turn: int
    killed: int
    idle_seconds: float


@dataclasses.dataclass
class Step:
    """What the VMs cost that were started together: MiB and seconds for each, VMs a second."""
    vms: int  # running by then
    memory: float
    kernel_memory: float
    start_time: float
    reference: float
    start_in_references: float  # of both the lower quartile: what others made of the rest is noise
    rate: float


def lower_quartile(values):
    return sorted(values)[len(values) // 4]


def take_step(fleet, count):
    kernel_before = kernel_memory()
    took, references = fleet.grow(count)
    time.sleep(SETTLES)
    new = fleet.vms[-count:]
    of_kernel = (kernel_memory() - kernel_before) / count
    sample = new[:: max(1, count // SAMPLE)]
    starts = [vm.processor_time() for vm in new]
    return Step(len(fleet.vms), statistics.mean(vm.proportional() for vm in sample) + of_kernel, of_kernel,
                statistics.median(starts), statistics.median(references), lower_quartile(starts) / lower_quartile(references),
                count / took)


def growth(steps, value):
    """Where the line through the steps ends, beside where it begins: 1 if the number of VMs makes no difference. The line's slope is the
    median of those between any two steps (Theil-Sen), so that a few noisy ones do not bend it."""
    points = [(step.vms, value(step)) for step in steps]
    slope = statistics.median((b[1] - a[1]) / (b[0] - a[0]) for i, a in enumerate(points) for b in points[i + 1:])
    begins = statistics.median(y - slope * x for x, y in points)
    return (begins + slope * points[-1][0]) / (begins + slope * points[0][0])


class Suite:
    def __init__(self, context, kind, machine, plan):
        self.context, self.kind, self.machine, self.plan = context, kind, machine, plan
        self.husk = machine.husk(context.husk)
        self.what = f"{kind} VM"
        self.prefix = "density." if kind == "bare-metal" else f"density.{kind.lower()}."

    def fleet(self, who, command_of):
        name = f"density-{os.getpid()}-{self.kind}-{who}"
        return Fleet(name, pathlib.Path(self.context.scratch) / name, command_of, self.machine.sign)

    def figure(self, id, what, unit, values, **more):
        return Figure(self.prefix + id, what, unit, values, **more)

    def beside_qemu(self):
        """Two fleets that grow in turns."""
        steps = {HUSK: [], QEMU: []}
        with self.fleet(HUSK, self.husk) as ours, self.fleet(QEMU, self.machine.qemu()) as theirs:
            for _ in range(self.plan.turns):
                steps[HUSK].append(take_step(ours, self.plan.in_a_turn))
                steps[QEMU].append(take_step(theirs, self.plan.in_a_turn))
            time.sleep(self.plan.idle_seconds / 2)  # they come to rest
            idle = {HUSK: ours.rest(self.plan.idle_seconds), QEMU: theirs.rest(self.plan.idle_seconds)}
            self.end(ours)
        vms = self.plan.turns * self.plan.in_a_turn

        def values(value):
            return {who: [value(step) for step in of] for who, of in steps.items()}

        reference = {FLOOR: [step.reference * 1000 for of in zip(*steps.values()) for step in of[:1]]}
        return [
            self.figure("memory", f"memory of an idle {self.what} of {self.machine.memory} MiB with a disk", "MiB", values(lambda step: step.memory),
                        note=f"PSS and what the kernel's own memory grew by; {vms} of each"),
            self.figure("kernel-memory", "... of which the kernel's own", "MiB", values(lambda step: step.kernel_memory)),
            self.figure("start-time", f"processor time until a {self.what} is up", "ms", values(lambda step: step.start_time * 1000) | reference,
                        note=f"the floor is {REFERENCE}"),
            self.figure("start-rate", f"{self.what}s started in a second", "VMs/s", values(lambda step: step.rate), better="higher"),
            self.figure("idle-time", f"processor time of an idle {self.what}", "us/s", {who: [of[0] * 1e6 / vms] for who, of in idle.items()}),
        ]

    def ramp(self):
        """husk's VMs up to the number that is asked for, or until memory is short."""
        steps, began_with = [], available_memory()
        before = Before(f"density-{os.getpid()}-{self.kind}-ramp", self.context.scratch)
        with self.fleet("ramp", self.husk) as fleet:
            while len(fleet.vms) < self.plan.vms:
                of_one = (began_with - available_memory()) / len(fleet.vms) if fleet.vms else self.machine.memory
                if available_memory() - of_one * self.plan.step < RESERVE:
                    break
                steps.append(take_step(fleet, min(self.plan.step, self.plan.vms - len(fleet.vms))))
            if len(steps) < FEWEST_FOR_A_LINE:
                raise NotMeasured(f"memory is short: {len(fleet.vms)} {self.what}s left {available_memory():.0f} MiB")
            vms, taken = len(fleet.vms), began_with - available_memory()
            time.sleep(self.plan.idle_seconds / 2)
            _, wakeups = fleet.rest(self.plan.idle_seconds)
            ended = self.end(fleet)
        self.check(before, vms, taken, "ended by signals")
        return steps, taken / vms, wakeups / vms, ended / vms

    def ramp_figures(self):
        steps, taken, wakeups, ended = self.ramp()
        bare = not self.machine.initrd
        # Few VMs, or few steps, make no line: noise would.
        enough = self.plan.vms >= (1000 if bare else 100)
        asleep = [dict(beside=None, at_most=0)] if bare else []  # what wakes a Linux guest is its own timers

        def along(value, unit):
            return {"curves": {HUSK: [[step.vms, value(step)] for step in steps]}, "along": f"{self.what}s at once", "curve_unit": unit}

        def at_most(limit):
            return [dict(beside=None, at_most=limit)] if enough else []

        return [
            self.figure("vms", f"idle {self.what}s at once", "VMs", {HUSK: [steps[-1].vms]}, better="higher",
                        targets=[dict(beside=None, at_least=self.plan.vms)],
                        note="" if steps[-1].vms == self.plan.vms else f"memory was short: {RESERVE} MiB are kept for others"),
            self.figure("memory-growth", f"memory of the last {self.what} beside the first", "ratio",
                        {HUSK: [growth(steps, lambda step: step.memory)]}, targets=at_most(1.1),
                        **along(lambda step: step.memory, "MiB for each")),
            self.figure("start-time-growth", f"processor time to start the last {self.what} beside the first", "ratio",
                        {HUSK: [growth(steps, lambda step: step.start_in_references)]}, targets=at_most(1.25),
                        **along(lambda step: step.start_in_references, f"times {REFERENCE}"),
                        note=f"lower quartiles, in units of what {REFERENCE} takes at the same time"),
            self.figure("available-memory", f"fall of the host's available memory for each {self.what}", "MiB", {HUSK: [taken]},
                        note="other programs' memory is in it, too"),
            self.figure("idle-wakeups", f"times that a thread of an idle {self.what} runs", "1/s", {HUSK: [wakeups]}, exact=bare,
                        targets=asleep),
            self.figure("end-time", f"time to end all {self.what}s, for each", "ms", {HUSK: [ended * 1000]}),
        ]

    def killed(self):
        """Launchers that are killed: nobody is there to clean up."""
        before = Before(f"density-{os.getpid()}-{self.kind}-killed", self.context.scratch)
        with self.fleet("killed", self.husk) as fleet:
            fleet.grow(self.plan.killed)
            fleet.end((signal.SIGKILL,), (-signal.SIGKILL,))
        self.check(before, self.plan.killed, 0, "whose launchers were killed")

    def end(self, fleet):
        return fleet.end(END_SIGNALS, END_STATUSES)

    def check(self, before, vms, taken, how):
        if left := before.left(vms, taken):
            raise Failure(f"{vms} {self.what}s {how} have left behind: {'; '.join(left)}")

    def measure(self):
        """([Figure], [what is missing, and why])"""
        found, missing = self.beside_qemu(), []
        try:
            found += self.ramp_figures()
        except NotMeasured as reason:
            missing.append(f"no number of {self.what}s at once: {reason}")
        if self.plan.killed:
            self.killed()
        return found, missing


def measure(context):
    context.need_kvm()
    if os.geteuid() != 0:
        raise NotMeasured("only root is shown the memory of sealed processes")
    for needed in (pathlib.Path("/proc/self/schedstat"), pathlib.Path(f"/proc/self/task/{os.getpid()}/children"), pathlib.Path(REFERENCE)):
        if not needed.exists():
            raise NotMeasured(f"there is no {needed}")
    need_qemu()
    bare = IdleMachine(context.build / "tests/guest/guests/idle", 16, b"idle\n")
    found, missing = Suite(context, "bare-metal", bare, context.pick(Plan(10, 2, 1, 3, 3, 0.3), Plan(100, 10, 3, 4, 5, 0.6),
                                                            Plan(1000, 50, 5, 10, 100, 4.0))).measure()
    try:
        kernel = context.native_guest() / "bzImage"
        if not pathlib.Path("/bin/busybox").exists():
            raise NotMeasured("there is no /bin/busybox")
        linux = IdleMachine(kernel, 128, SIGN, sleeping_initrd(context.scratch))
        more, more_missing = Suite(context, "Linux", linux, context.pick(Plan(3, 1, 1, 1, 0, 0.3), Plan(10, 2, 1, 2, 0, 0.6),
                                                                         Plan(100, 10, 5, 2, 10, 4.0))).measure()
        found, missing = found + more, missing + more_missing
    except NotMeasured as reason:
        missing.append(f"no Linux: {reason}")
    found[0].note = "; ".join([found[0].note, *missing])
    return found
