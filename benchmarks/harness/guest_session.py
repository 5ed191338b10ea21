"""A run of guest_bench (benchmarks/guest): as the init of the native guest under husk or QEMU microvm, or as an ordinary
program on the host. It does its phases when told to (guest/bench.h); at both ends of each, while it waits, the processor time
of the VMM's processes is read."""

import os
import re
import select
import subprocess
import time

from harness.context import Failure, NotMeasured
from harness.figures import PERCENTILES
from harness.machines import LINUX, QEMU, Machine, need_qemu, pack_initrd
from harness.precedence import take_precedence
from harness.processes import end, family, processor_time

MEMORY = 256  # MiB
CPU = "processor time of the VMM, guest included, for"  # one of whatever it is: what a figure is called


class Session:
    """`command` is started; what it prints are guest_bench's lines, among others."""

    def __init__(self, command, words=None, timeout=60):
        self.command = [str(word) for word in command]
        self.timeout = timeout
        self.said = b""  # not looked at yet
        self.history = b""
        self.processes = []  # known when the first phase begins
        self.before = 0
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        env=words, preexec_fn=take_precedence, bufsize=0)
        os.set_blocking(self.process.stderr.fileno(), False)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            end(self.process)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            stream.close()

    def fail(self, what):
        errors = self.process.stderr.read() or b""
        text = (self.history[-3000:] + self.said[-1000:] + errors[-3000:]).decode(errors="replace")
        raise Failure(f"{what}: {' '.join(self.command)}\n{text}")

    def more(self, deadline):
        """What comes next; b"" at the end."""
        if not select.select([self.process.stdout], [], [], max(0, deadline - time.monotonic()))[0]:
            self.fail(f"nothing came for {self.timeout} s")
        return os.read(self.process.stdout.fileno(), 1 << 16)

    def read(self):
        """What is printed, without looking for lines in it."""
        said, self.said = self.said, b""
        return said or self.more(time.monotonic() + self.timeout)

    def line(self, pattern):
        """Waits for a line in which `pattern` is found."""
        deadline = time.monotonic() + self.timeout
        while True:
            text, newline, rest = self.said.partition(b"\n")
            if newline:
                self.history = (self.history + text + newline)[-8000:]
                self.said = rest
                shown = text.decode(errors="replace").rstrip("\r")
                if "bench: failed" in shown:
                    self.fail(shown)
                if found := re.search(pattern, shown):
                    return found
                continue
            more = self.more(deadline)
            if not more:
                self.fail(f"it ended without saying {pattern}")
            self.said += more

    def answer(self):
        try:
            self.process.stdin.write(b"\n")
        except OSError as error:
            self.fail(f"it hears nothing: {error}")

    def processor_time_of_all(self):
        try:
            return sum(processor_time(pid) for pid in self.processes)
        except OSError as error:
            self.fail(f"one of its processes has ended: {error}")

    def begin(self, phase):
        """The guest is ready; when this returns, it works."""
        self.line(f"bench: ready {re.escape(phase)}$")
        if not self.processes:
            self.processes = family(self.process.pid)
        self.before = self.processor_time_of_all()
        self.answer()

    def finish(self, phase):
        """{key: value} of what the guest says, and "cpu": seconds of processor time that the VMM used meanwhile."""
        found = self.line(f"bench: {re.escape(phase)} (.*)$")
        spent = self.processor_time_of_all() - self.before
        self.answer()
        return {key: int(value) for key, value in (word.split("=") for word in found[1].split())} | {"cpu": spent}

    def phase(self, name):
        self.begin(name)
        return self.finish(name)

    def end(self):
        self.line("bench: done$")
        deadline = time.monotonic() + self.timeout
        while self.more(deadline):
            pass
        try:
            status = self.process.wait(timeout=self.timeout)
        except subprocess.TimeoutExpired:
            self.fail("it does not end")
        if status != 0:
            self.fail(f"status {status}")


def take_turns(sessions, phases, turns, measure=None):
    """{who: {phase: [what each turn has measured]}} of {who: Session}: all are up from the first turn to the last, and each
    waits while another one works. So what is compared was measured right after each other."""
    found = {who: {phase: [] for phase in phases} for who in sessions}
    for _ in range(turns):
        for phase in phases:
            for who, session in sessions.items():
                found[who][phase].append(measure(who, phase) if measure else session.phase(phase))
    for session in sessions.values():
        session.end()
    return found


def join_boots(boots):
    """What take_turns has found in each boot, as one: how fast a guest is depends on where its processes came to run."""
    first, *others = boots
    for found in others:
        for who, phases in found.items():
            for phase, turns in phases.items():
                first[who][phase] += turns
    return first


def percentiles(found, phase):
    """Those that there were enough requests for, in each turn of all who have the phase."""
    measured = [turn for phases in found.values() for turn in phases.get(phase, [])]
    return [percentile for percentile in PERCENTILES if all(percentile in turn for turn in measured)]


class Guest:
    """What a suite boots: guest_bench as init, and files beside it."""

    def __init__(self, context, files=None):
        context.need_kvm()
        self.kernel = context.native_guest() / "bzImage"
        self.bench = context.build / "benchmarks/guest/guest_bench"
        self.husk = context.husk
        for program in (self.kernel, self.bench, self.husk):
            if not program.exists():
                raise NotMeasured(f"{program} is not there")
        context.scratch.mkdir(parents=True, exist_ok=True)
        self.initrd = pack_initrd(context.scratch, {"init": self.bench} | (files or {}))

    def boot(self, with_husk, words, options=(), prefix=(), husk=None, **machine):
        """Under husk or QEMU. `words` {name: value} are guest_bench's, `options` the VMM's own, `machine` what a Machine has
        besides; `husk` is another program than the build's."""
        command_line = " ".join([LINUX, *(f"{name}={value}" for name, value in words.items())])
        if with_husk:
            made = Machine(self.kernel, self.initrd, command_line + " end=poweroff", MEMORY, **machine)
            return Session([*prefix, *made.husk(husk or self.husk, *options)])
        need_qemu()
        made = Machine(self.kernel, self.initrd, command_line, MEMORY, **machine)  # only a reboot ends it
        return Session([*prefix, *made.qemu(QEMU, *options)])

    def on_the_host(self, words, prefix=()):
        """The floor: the same program without a guest."""
        return Session([*prefix, self.bench], words={name: str(value) for name, value in words.items()})
