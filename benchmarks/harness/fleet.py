"""Many VMs at once: starts them, says what they cost, ends them.

A VM is a process with its children, whichever VMM it is. It is up when its guest has said so."""

import os
import pathlib
import subprocess
import time

from harness.context import Failure
from harness.processes import is_alive, processor_time

LIMIT = 60.0  # seconds until something that should have happened counts as not happening
SURVIVES = 5.0  # seconds that a process may outlive its VM
POLL = 0.002
CPUS = len(os.sched_getaffinity(0))
REFERENCE = "/bin/true"
STARTS_A_REFERENCE = 4


def children(pid):
    """Of all threads of a process; none when it is gone."""
    found = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            found += pathlib.Path(f"/proc/{pid}/task/{task}/children").read_text().split()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return [int(child) for child in found]


def family(pid):
    found = [pid]
    for child in children(pid):
        found += family(child)
    return found


def times_scheduled(pid):
    """How often the threads of a process were given a processor. KVM's own, which newer kernels show among them, are left out."""
    tasks = [pathlib.Path(f"/proc/{pid}/task/{task}") for task in os.listdir(f"/proc/{pid}/task")]
    return sum(int((task / "schedstat").read_text().split()[2]) for task in tasks
               if not (task / "comm").read_text().startswith("kvm-"))


def kibibytes(path):
    """{name: KiB} of a file like /proc/meminfo."""
    fields = [line.split() for line in pathlib.Path(path).read_text().splitlines()]
    return {words[0].rstrip(":"): int(words[1]) for words in fields if len(words) == 3 and words[2] == "kB"}


def proportional(pid):
    """MiB of memory, shared pages in parts (PSS)."""
    return kibibytes(f"/proc/{pid}/smaps_rollup")["Pss"] / 1024


def kernel_memory():
    """MiB that the kernel has for itself and will not give back when asked. Stacks are part of VmallocUsed, struct kvm too."""
    info = kibibytes("/proc/meminfo")
    return sum(info.get(name, 0) for name in ("SUnreclaim", "PageTables", "SecPageTables", "Percpu", "VmallocUsed")) / 1024


def available_memory():
    return kibibytes("/proc/meminfo")["MemAvailable"] / 1024


def reference_time():
    """Seconds of processor time for a program that does nothing: it grows with the noise of the machine as a VM's start does."""
    pid = os.posix_spawn(REFERENCE, [REFERENCE], {})
    _, _, usage = os.wait4(pid, 0)
    return usage.ru_utime + usage.ru_stime


class Vm:
    def __init__(self, name, command, console, errors):
        self.name = name
        self.console = console
        self.pids = []  # of the family, once it is up
        self.process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=errors, close_fds=False)

    def is_up(self, sign):
        try:
            if sign not in self.console.read_bytes():
                return False
        except FileNotFoundError:
            return False
        self.pids = family(self.process.pid)
        return True

    def processor_time(self):
        return sum(processor_time(pid) for pid in self.pids)

    def times_scheduled(self):
        return sum(times_scheduled(pid) for pid in self.pids)

    def proportional(self):
        return sum(proportional(pid) for pid in self.pids)


class Fleet:
    """`command_of(name, console, folder)` is the command of a VM whose guest prints to the file `console`, and among that `sign`
    when it is up. Files of a VM go to `folder`, which the fleet makes. As a context: no VM outlives it."""

    def __init__(self, name, folder, command_of, sign):
        self.name = name
        self.folder = folder
        self.command_of = command_of
        self.sign = sign
        self.vms = []
        folder.mkdir(parents=True)
        self.errors = (folder / "errors").open("w+b")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for vm in self.vms:
            if vm.process.returncode is None:
                vm.process.kill()
                vm.process.wait()
        self.errors.close()

    def grow(self, count):
        """Starts so many more, as many at a time as there are processors. The seconds until all are up, and those of processor
        time of references that ran meanwhile."""
        begun = time.monotonic()
        starting, references = [], []
        for number in range(count):
            while len(starting) >= CPUS:
                starting = self._still_starting(starting, begun)
            starting.append(self._start())
            if number % STARTS_A_REFERENCE == 0:
                references.append(reference_time())
        while starting:
            starting = self._still_starting(starting, begun)
        return time.monotonic() - begun, references

    def _start(self):
        name = f"{self.name}-{len(self.vms)}"
        console = self.folder / f"{name}.console"
        self.vms.append(Vm(name, self.command_of(name, console, self.folder), console, self.errors))
        return self.vms[-1]

    def _still_starting(self, starting, begun):
        left = [vm for vm in starting if not vm.is_up(self.sign)]
        for vm in left:
            if vm.process.poll() is not None:
                raise Failure(f"{vm.name} of {len(self.vms)} ended with status {vm.process.returncode}: {self.complaints()}")
            if time.monotonic() - begun > LIMIT:
                raise Failure(f"{vm.name} of {len(self.vms)} does not come up: {self.complaints()}")
        if len(left) == len(starting):
            time.sleep(POLL)
        return left

    def complaints(self):
        self.errors.seek(0)
        return self.errors.read()[-1000:].decode(errors="replace")

    def rest(self, seconds):
        """(processor time in seconds, times scheduled) of all VMs together, a second of it."""
        begun, before = time.monotonic(), self._sums()
        time.sleep(seconds)
        after, took = self._sums(), time.monotonic() - begun
        return tuple((b - a) / took for a, b in zip(before, after))

    def _sums(self):
        spent, scheduled = 0.0, 0
        for vm in self.vms:
            try:
                spent += vm.processor_time()
                scheduled += vm.times_scheduled()
            except OSError as error:
                raise Failure(f"{vm.name} has lost a process: {self.complaints()}") from error
        return spent, scheduled

    def end(self, signals, statuses):
        """Sends the signals to each VM's first process, one after the other, and waits for its end with one of those statuses.
        The seconds until the last one has ended."""
        begun = time.monotonic()
        for vm in self.vms:
            for number in signals:
                vm.process.send_signal(number)
        for vm in self.vms:
            try:
                status = vm.process.wait(max(0.0, begun + LIMIT - time.monotonic()))
            except subprocess.TimeoutExpired as error:
                raise Failure(f"{vm.name} does not end on {[number.name for number in signals]}: {self.complaints()}") from error
            if status not in statuses:
                raise Failure(f"{vm.name} ended with status {status}: {self.complaints()}")
        took = time.monotonic() - begun
        for vm in self.vms:  # by number, as who outlives his VM need not bear its name
            until = time.monotonic() + SURVIVES
            while left := [pid for pid in vm.pids if is_alive(pid)]:
                if time.monotonic() > until:
                    raise Failure(f"{vm.name} has ended without its processes {left}")
                time.sleep(POLL)
        return took
