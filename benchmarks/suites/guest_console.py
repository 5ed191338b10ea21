"""The native guest's virtio console under husk and under QEMU microvm."""

import base64
import contextlib
import fcntl
import os
import pathlib
import tempfile
import time

from harness.context import Failure
from harness.figures import FLOOR, HUSK, QEMU, Figure
from harness.guest_session import CPU, Guest, join_boots, percentiles, take_turns
from harness.machines import PORT

ABOUT = ("bytes through the virtio console of a Linux guest and echoes of one byte, beside QEMU microvm and a unix socket between "
         "two programs")

PORT_PHASES = ("port-out", "port-in", "echo")
MIB = 1 << 20
PATTERN_BYTES = 700_000
PIECE = 1 << 18
PIPE = MIB
HVC0_BYTES = PIPE // 2
TIMEOUT = 60


def take(read, expected):
    """What comes must be what is expected."""
    pieces, left = [], len(expected)
    while left > 0:
        pieces.append(read())
        if not pieces[-1]:
            raise Failure(f"the console ended {left} bytes early")
        left -= len(pieces[-1])
    if b"".join(pieces) != expected:
        raise Failure("wrong bytes came through the console")


class Written:
    """What a VMM writes to a file."""

    def __init__(self, path):
        path.touch()
        self.file = path.open("rb")

    def close(self):
        self.file.close()

    def read(self):
        deadline = time.monotonic() + TIMEOUT
        while not (said := self.file.read(PIECE)):
            if time.monotonic() > deadline:
                raise Failure(f"nothing comes into {self.file.name}")
            time.sleep(0.002)
        return said


class Bench:
    """`port_bytes`, `hvc0_bytes` and `echoes` are those of one phase."""

    def __init__(self, context, turns, port_bytes, echoes, hvc0_bytes):
        context.scratch.mkdir(parents=True, exist_ok=True)
        pattern = base64.encodebytes(os.urandom(PATTERN_BYTES))  # lines of printable text: no console wants to change them
        self.pattern = context.scratch / "pattern"
        self.pattern.write_bytes(pattern)
        self.guest = Guest(context, files={"pattern": self.pattern})
        self.scratch, self.turns = context.scratch, turns
        self.terminal_text = (pattern * (hvc0_bytes // len(pattern) + 1))[:hvc0_bytes]
        self.words = {"turns": turns, "bytes": port_bytes, "echoes": echoes, "hvc0_bytes": hvc0_bytes}
        self.sessions, self.peers, self.terminals = {}, {}, {}

    def measure(self, everyone, phases):
        """{who: {phase: [what each turn has measured]}}"""
        with tempfile.TemporaryDirectory(dir=self.scratch) as folder, contextlib.ExitStack() as stack:
            for who in everyone:
                self.start(who, phases, pathlib.Path(folder), stack)
            return take_turns(self.sessions, phases, self.turns, lambda who, phase: PHASES[phase](self, who, phase))

    def start(self, who, phases, folder, stack):
        port, hvc0 = folder / f"{who}-port", folder / f"{who}-hvc0"
        words = self.words | {"phases": ",".join(phases)}
        console = words | {"topic": "console", "port": PORT, "pattern": "/pattern"}
        if who == FLOOR:
            session = self.guest.on_the_host(console | {"port": port, "pattern": self.pattern})
        else:  # QEMU throws away what of hvc0 a socket or a pipe has no room for: it gets a file
            session = self.guest.boot(who == HUSK, console, port=port, hvc0=f"file,path={hvc0}")
        self.sessions[who] = stack.enter_context(session)
        if "hvc0-out" not in phases:
            self.peers[who] = stack.enter_context(self.guest.on_the_host(
                words | {"topic": "port-peer", "port": port, "pattern": self.pattern}))
        elif who == HUSK:  # its output is both consoles; who reads it must not matter
            fcntl.fcntl(session.process.stdout, fcntl.F_SETPIPE_SZ, PIPE)
            self.terminals[who] = session
        else:
            self.terminals[who] = stack.enter_context(contextlib.closing(Written(hvc0)))

    def hvc0_out(self, who, phase):
        session = self.sessions[who]
        session.begin(phase)
        take(self.terminals[who].read, self.terminal_text)
        session.answer()  # all of it has come
        measured = session.finish(phase)
        return measured | {"rate": measured["bytes"] / measured["nanoseconds"] * 1e9}

    def port(self, who, phase):
        """Who receives begins, the peer ends first: then all has come."""
        ends = [self.sessions[who], self.peers[who]]
        for end in reversed(ends) if phase == "port-out" else ends:
            end.begin(phase)
        there = self.peers[who].finish(phase)
        measured = there | self.sessions[who].finish(phase)
        return measured | ({"rate": measured["late"] / measured["nanoseconds"] * 1e9} if "late" in measured else {})


PHASES = {"hvc0-out": Bench.hvc0_out} | dict.fromkeys(PORT_PHASES, Bench.port)


def figures_of(found):
    figures = []

    def add(phase, name, what, unit, read, better="lower"):
        figures.append(Figure(f"guest_console.{phase}.{name}", what, unit,
                              {who: [read(measured) for measured in phases[phase]] for who, phases in found.items() if phase in phases},
                              better=better))

    for phase, what in (("hvc0-out", "from the guest by hvc0"), ("port-out", "from the guest by a port"),
                        ("port-in", "to the guest by a port")):
        add(phase, "rate", f"bytes {what}", "MB/s", lambda measured: measured["rate"] / 1e6, "higher")
        add(phase, "cpu", f"bytes {what}: {CPU} a MB", "us", lambda measured: measured["cpu"] * 1e12 / measured["bytes"])
    for percentile in percentiles(found, "echo"):
        add("echo", percentile.replace(".", "-"), f"one byte to the guest and back by a port: latency {percentile}", "us",
            lambda measured: measured[percentile] / 1000)
    add("echo", "cpu", f"one byte to the guest and back by a port: {CPU} one", "us",
        lambda measured: measured["cpu"] * 1e6 / measured["echoes"])
    return figures


def measure(context):
    boots, turns = context.pick((1, 1), (3, 3), (5, 5))
    sizes = (context.pick(8 * MIB, 32 * MIB, 64 * MIB), context.pick(300, 500, 2000), HVC0_BYTES)

    def found(everyone, phases):
        return join_boots([Bench(context, turns, *sizes).measure(everyone, phases) for _ in range(boots)])

    ports = found((HUSK, QEMU, FLOOR), PORT_PHASES)
    terminals = found((HUSK, QEMU), ("hvc0-out",))
    return figures_of({who: phases | terminals.get(who, {}) for who, phases in ports.items()})
