"""The lab (tests/lab), whose machines count instructions: what its scenarios print."""

import os
import pathlib
import re
import signal
import subprocess

from harness.context import TOP, Failure
from harness.processes import end_all

CACHE = "HUSK_LAB_CACHE"
# A row of the table of exit-cost: what is measured, a bare ioctl loop, and what others add to it.
ROW = re.compile(r"^(\w+-\w+) +([\d.]+) +(-?[\d.]+) +(-?[\d.]+) +(-?[\d.]+)  ([\d.-]+)$", re.MULTILINE)
COLUMNS = ("bare", "loop_added", "husk_added", "qemu_added", "ratio")
OPERATIONS = {"pio-read", "pio-write", "mmio-read", "mmio-write"}
# What exit-cost says when a limit is not held, which is for the figure's own target to say here.
MISSED = "FAILED: husk adds more than 0.3 of what QEMU adds"
TIMEOUT = 20 * 60


def run(command):
    """(status, what it printed); whatever becomes of us, nothing of it is left."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    try:
        said, _ = process.communicate(timeout=TIMEOUT)
    except subprocess.TimeoutExpired as error:
        raise Failure(f"the lab is not over after {TIMEOUT} s") from error
    finally:
        if process.returncode is None:
            end_all(process, signal.SIGTERM)
    return process.returncode, said


class LabRun:
    """Scenarios run with the husk of a build. The first time the lab fetches kernels. One that fails is a Failure, but for
    exit-cost with all of its figures, one of them beyond the limit."""

    def __init__(self, build, *names):
        folder = pathlib.Path(os.environ.get(CACHE, TOP / "build/lab")) / "logs"
        for name in names:
            (folder / f"{name}.log").unlink(missing_ok=True)
        status, self.said = run([TOP / "tests/lab/lab", "run", "--husk", build / "husk", *names])
        self.logs = {name: (folder / f"{name}.log").read_text(errors="replace").replace("\r", "")
                     for name in names if (folder / f"{name}.log").exists()}
        if status != 0 and not self.only_missed_the_limit():
            raise Failure(f"the lab's status is {status}: {self.said[-3000:]}")

    def only_missed_the_limit(self):
        log = self.logs.get("exit-cost", "")
        complaints = re.findall(r"^FAILED: .*$", log, re.MULTILINE)
        return (re.findall(r"^FAIL (\S+)", self.said, re.MULTILINE) == ["exit-cost"] and "did not end in order" not in self.said and
                len(complaints) == 1 and complaints[0].startswith(MISSED) and {row[0] for row in ROW.findall(log)} == OPERATIONS and
                "a read of the register page:" in log)

    def find(self, name, pattern):
        """All that `pattern` matches in the scenario's log."""
        found = list(re.finditer(pattern, self.logs.get(name, ""), re.MULTILINE))
        if not found:
            raise Failure(f"the lab's scenario {name} has no figures: {self.said[-3000:]}")
        return found

    def exit_cost(self):
        """(its table as it is printed, {operation: {column: instructions}})"""
        table = self.find("exit-cost", r"^instructions  bare(?:.*\n)+?a read of.*$")[0][0]
        return table, {row[0]: dict(zip(COLUMNS, map(float, row[1:]))) for row in ROW.findall(table)}
