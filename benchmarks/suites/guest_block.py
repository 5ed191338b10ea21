"""The native guest's disk under husk and under QEMU microvm."""

import contextlib
import json
import os

from harness.context import Failure
from harness.figures import FLOOR, HUSK, QEMU, Figure, Target
from harness.guest_session import CPU, Guest, join_boots, percentiles, take_turns

ABOUT = "disk reads and writes of a Linux guest, beside QEMU microvm and the same program on the host with the image"

BLOCK = 4096
MIB = 1 << 20
IMAGE = 128 * MIB
VIRTIO_REGISTERS = range(0xD0000000, 0xD1000000)
TRAP = "virtio-trap"
IOTHREAD = "qemu-iothread"
PHASES = {
    "random1-read": "4 KiB random reads, one thread",
    "random1-write": "4 KiB random writes, one thread",
    "random32-read": "4 KiB random reads, 32 threads",
    "random32-write": "4 KiB random writes, 32 threads",
    "sequential-read": "1 MiB sequential reads",
}
# What husk wants to reach as a multiple of QEMU: by phase and number of vCPUs.
TARGETS = {("random1-read", 1): 2.2, ("random1-read", 2): 2.2, ("random32-read", 1): 1.6, ("random32-read", 2): 2.2,
           ("sequential-read", 1): 1.5, ("sequential-read", 2): 1.5}


class Disk:
    """A raw image in the page cache. Every block begins with its number and a stamp (guest/block.cc); the rest is the same."""

    def __init__(self, path):
        self.path = path
        self.rest = os.urandom(BLOCK - 16)
        with path.open("wb") as out:
            for number in range(IMAGE // BLOCK):
                out.write(number.to_bytes(8, "little") + bytes(8) + self.rest)
            out.flush()
            os.fsync(out.fileno())  # or its writing back would be measured, too

    def check(self):
        """Every block is still what it should be."""
        with self.path.open("rb") as file:
            for number in range(IMAGE // BLOCK):
                block = file.read(BLOCK)
                if int.from_bytes(block[:8], "little") != number or not block.endswith(self.rest):
                    raise Failure(f"block {number} of an image is wrong")


class Bench:
    def __init__(self, context, milliseconds):
        self.guest = Guest(context)
        self.scratch = context.scratch
        self.milliseconds = milliseconds
        self.disks = {}
        self.boots = 0

    def disk(self, who):
        """One for each, as none shares its image."""
        if who not in self.disks:
            self.disks[who] = Disk(self.scratch / f"{who}.raw")
        return self.disks[who]

    def stats(self, who):
        return self.scratch / f"{who}.json"

    def measure(self, cpus, turns, everyone, phases=tuple(PHASES), programs=None):
        """{who: {phase: [what each turn has measured]}}; `programs` {who: another husk than the build's}."""
        self.boots += 1
        words = {"topic": "block", "phases": ",".join(phases), "turns": turns, "milliseconds": self.milliseconds, "seed": self.boots}
        with contextlib.ExitStack() as stack:
            sessions = {}
            for who in everyone:
                sessions[who] = stack.enter_context(self.start(who, words, cpus, (programs or {}).get(who)))
            found = take_turns(sessions, phases, turns)
        for who in everyone:
            self.disk(who).check()
        return found

    def start(self, who, words, cpus, program):
        image = self.disk(who).path
        if who == FLOOR:
            return self.guest.on_the_host(words | {"disk": image})
        if who in (QEMU, IOTHREAD):
            thread = ["-object", "iothread,id=worker"] if who == IOTHREAD else []
            device = "virtio-blk-device,drive=disk" + (",iothread=worker" if thread else "")
            return self.guest.boot(False, words, [*thread, "-blockdev", f"driver=file,filename={image},node-name=disk", "-device",
                                                  device], cpus=cpus)
        options = ["--stats", self.stats(who), *(["--virtio-trap"] if who == TRAP else [])]
        return self.guest.boot(True, words, options, husk=program, cpus=cpus, disks=[image])

    def virtio_exits(self, who=HUSK):
        """Exits to user space in the last run of a husk: at virtio registers, and at addresses that it had no counter for."""
        exits = json.loads(self.stats(who).read_text())["boots"][0]["exits"]
        return (sum(place["count"] for place in exits["by_address"]
                    if place["kind"].startswith("mmio") and int(place["address"], 16) in VIRTIO_REGISTERS), exits["other_addresses"])


def exits_of_requests(idle, busy):
    """Of two results of virtio_exits, of a boot without requests and of one with them."""
    (idle_exits, idle_others), (exits, others) = idle, busy
    if exits < idle_exits or others > idle_others:
        raise Failure(f"a boot without requests has {idle_exits} exits at virtio registers and {idle_others} at addresses without a "
                      f"counter, one with them {exits} and {others}: they cannot be told apart")
    return exits - idle_exits


def rate(phase, measured):
    seconds = measured["nanoseconds"] / 1e9
    return measured["bytes"] / 1e6 / seconds if phase == "sequential-read" else measured["requests"] / seconds


def figures_of(cpus, found, exits):
    """`exits`: those of husk at virtio registers that a boot without requests has not."""
    vcpus = f"{cpus} vCPU{'s' if cpus > 1 else ''}"
    figures = []
    for phase, what in PHASES.items():
        def values(read):
            return {who: [read(measured) for measured in phases[phase]] for who, phases in found.items()}

        base, what = f"guest_block.{phase}.{cpus}cpu", f"{what}, {vcpus}"
        least = TARGETS.get((phase, cpus))
        figures.append(Figure(f"{base}.rate", what, "MB/s" if phase == "sequential-read" else "requests/s",
                              values(lambda measured: rate(phase, measured)), better="higher",
                              targets=[Target(QEMU, at_least=least)] if least else []))
        for percentile in percentiles(found, phase):
            figures.append(Figure(f"{base}.{percentile.replace('.', '-')}", f"{what}: latency {percentile}", "us",
                                  values(lambda measured: measured[percentile] / 1000)))
        figures.append(Figure(f"{base}.cpu", f"{what}: {CPU} a request", "us",
                              values(lambda measured: measured["cpu"] * 1e6 / measured["requests"])))
    requests = sum(measured["requests"] for turns in found[HUSK].values() for measured in turns)
    figures.append(Figure(f"guest_block.exits.{cpus}cpu", f"exits to user space at virtio registers for a request, {vcpus}", "exits",
                          {HUSK: [exits / requests]}, exact=True, targets=[Target(None, at_most=0)],
                          note="those of the same boot without requests are left out"))
    return figures


def measure(context):
    bench = Bench(context, milliseconds=context.pick(80, 80, 300))
    everyone = context.pick([HUSK, QEMU, FLOOR], [HUSK, QEMU, FLOOR], [HUSK, QEMU, FLOOR, TRAP, IOTHREAD])
    boots, turns = context.pick((1, 1), (3, 3), (4, 4))
    figures = []
    for cpus in (1, 2):
        bench.measure(cpus, 1, [HUSK], phases=[])
        idle = bench.virtio_exits()
        found, exits = [], 0
        for _ in range(boots):
            found.append(bench.measure(cpus, turns, everyone))
            exits += exits_of_requests(idle, bench.virtio_exits())
        figures += figures_of(cpus, join_boots(found), exits)
    return figures
