"""When a VMM's first vCPU runs, and what processor time all its processes had had by then: by the kernel's own events, in a ring
buffer of ours, so that nobody else's is touched. Needs root.

A thread has the processor from the sched_switch that names it to the one that takes it away; kvm_fpu is the vCPU's state being
loaded, right before it runs. The kernel's accounting for getrusage adds up the same intervals."""

import collections
import dataclasses
import os
import pathlib
import re
import subprocess
import tempfile
import time

from harness.context import Failure, NotMeasured
from harness.processes import end

TRACING = pathlib.Path("/sys/kernel/tracing")
EVENTS = ("sched/sched_process_fork", "sched/sched_process_exec", "sched/sched_process_exit", "sched/sched_switch", "kvm/kvm_fpu")
LINE = re.compile(r"-(\d+) +\[(\d+)\] +\S+ +([\d.]+): (\w+): (.*)$")
LOST = re.compile(r"\[LOST .*EVENTS\]")  # a line of the kernel's where its buffer was full
CHILD = re.compile(r"child_pid=(\d+)")
PROCESS_OF = {"husk": "launcher", "ctl": "vmm", "vcpu": "vmm", "blk": "disk"}  # by the name of a thread, without its number
SWITCH = re.compile(r"prev_comm=(.*) prev_pid=(\d+) .* next_comm=(.*) next_pid=(\d+) ")


@dataclasses.dataclass
class Start:
    """From the exec to the first KVM_RUN, in seconds."""
    wall: float
    processor: float
    by_name: dict  # {name of a thread, without its number: its part of `processor`}

    def by_process(self):
        """The same by husk's processes."""
        found = collections.Counter()
        for name, spent in self.by_name.items():
            found[PROCESS_OF.get(name, name)] += spent
        return found


class Trace:
    """While it is open, whatever this process starts is recorded, and only that."""

    def __enter__(self):
        if os.geteuid() != 0:
            raise NotMeasured("the kernel's events are for root only")
        if not (TRACING / "instances").is_dir():
            subprocess.run(["mount", "-t", "tracefs", "tracefs", TRACING], check=False, capture_output=True)
        self.buffer = TRACING / "instances" / f"husk-start-{os.getpid()}"
        try:
            self.buffer.mkdir()
            self.write("trace_clock", "mono")
            self.write("options/overwrite", "0")  # a full buffer keeps its beginning
            self.write("options/event-fork", "1")
            self.write("set_event_pid", str(os.getpid()))
            for event in EVENTS:
                self.write(f"events/{event}/enable", "1")
        except OSError as error:
            self.__exit__()
            raise NotMeasured(f"the kernel's events cannot be had here: {error}") from error
        return self

    def __exit__(self, *_):
        if not self.buffer.is_dir():
            return
        for event in EVENTS:
            if (self.buffer / f"events/{event}").is_dir():
                self.write(f"events/{event}/enable", "0")
        self.buffer.rmdir()

    def write(self, name, text):
        (self.buffer / name).write_text(text)

    def start(self, command, statuses=(0,)):
        """Of a VMM that ends with one of these statuses, or is ended once its vCPU was seen to run."""
        self.write("trace", "")  # empties it
        with tempfile.TemporaryFile() as said:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
            start, deadline = None, time.monotonic() + 60
            try:
                while process.poll() is None and start is None and time.monotonic() < deadline:
                    try:
                        process.wait(0.1)
                    except subprocess.TimeoutExpired:
                        start = self.read()
                ended = process.returncode
            finally:
                if process.returncode is None:
                    end(process)
            if ended in statuses:
                start = self.read()
            if start is None:
                said.seek(0)
                raise Failure(f"status {process.returncode}, or no vCPU was seen to run: {' '.join(command)}: "
                              f"{said.read().decode(errors='replace')[-2000:]}")
        return start

    def read(self):
        with (self.buffer / "trace").open() as lines:
            start = read_start(lines)
        # A buffer that keeps its beginning has no gap to tell of: only its counter knows.
        dropped = [int(number) for stats in self.buffer.glob("per_cpu/cpu*/stats")
                   for number in re.findall(r"^dropped events: (\d+)$", stats.read_text(), re.MULTILINE)]
        if any(dropped):
            raise Failure(f"the kernel's buffer had no room for {sum(dropped)} events")
        return start


class Reading:
    """What is known of the command's threads, line by line."""

    def __init__(self):
        self.family = set()
        self.names = {}  # a thread's last name, which says what it is
        self.running = {}  # {processor: (thread, since when)}
        self.spent = collections.Counter()
        self.begun = None
        self.first_run = None

    def leave(self, cpu, now):
        thread, since = self.running.pop(cpu, (None, now))
        if thread is not None and self.begun is not None and self.first_run is None:
            self.spent[thread] += now - max(since, self.begun)

    def switch(self, cpu, now, what):
        self.leave(cpu, now)
        name_before, before, name, thread = SWITCH.search(what).groups()
        self.names[int(before)], self.names[int(thread)] = name_before, name
        if int(thread) in self.family:
            self.running[cpu] = (int(thread), now)

    def read(self, line):
        found = LINE.search(line)
        if not found:
            if lost := LOST.search(line):
                raise Failure(f"the kernel's events have a gap: {lost[0]}")
            return
        thread, cpu, now, event, what = int(found[1]), found[2], float(found[3]), found[4], found[5]
        if event == "sched_process_fork":
            self.family.add(int(CHILD.search(what)[1]))
        elif event == "sched_switch":
            self.switch(cpu, now, what)
        elif event == "sched_process_exit":
            self.leave(cpu, now)
        elif event == "sched_process_exec" and self.begun is None and thread in self.family:
            self.begun = now
        elif event == "kvm_fpu" and self.begun is not None and self.first_run is None:
            for each in list(self.running):
                self.leave(each, now)
            self.first_run = now

    def start(self):
        by_name = collections.Counter()
        for thread, spent in self.spent.items():
            by_name[self.names.get(thread, "?").rstrip("0123456789")] += spent
        return Start(self.first_run - self.begun, sum(by_name.values()), by_name)


def read_start(lines):
    """None if no vCPU was seen to run."""
    reading = Reading()
    for line in lines:
        reading.read(line)
    return None if reading.first_run is None else reading.start()
