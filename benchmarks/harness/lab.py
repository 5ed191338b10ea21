"""The lab (tests/lab), whose machines count instructions: what its scenarios print."""

import os
import pathlib
import re
import subprocess

from harness.context import TOP, Failure

CACHE = "HUSK_LAB_CACHE"
# A row of the table of exit-cost: what is measured, a bare ioctl loop, and what others add to it.
ROW = re.compile(r"^(\w+-\w+) +([\d.]+) +(-?[\d.]+) +(-?[\d.]+) +(-?[\d.]+)  ([\d.-]+)$", re.MULTILINE)
COLUMNS = ("bare", "loop_added", "husk_added", "qemu_added", "ratio")


class LabRun:
    """Scenarios run with the husk of a build. The first time the lab fetches kernels."""

    def __init__(self, build, *names):
        folder = pathlib.Path(os.environ.get(CACHE, TOP / "build/lab")) / "logs"
        for name in names:
            (folder / f"{name}.log").unlink(missing_ok=True)
        done = subprocess.run([TOP / "tests/lab/lab", "run", "--husk", build / "husk", *names], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True)
        self.passed = done.returncode == 0
        self.said = done.stdout + done.stderr
        self.logs = {name: (folder / f"{name}.log").read_text(errors="replace").replace("\r", "")
                     for name in names if (folder / f"{name}.log").exists()}

    def find(self, name, pattern):
        """All that `pattern` matches in the scenario's log. A scenario that failed because a limit was not held has its figures, too."""
        found = list(re.finditer(pattern, self.logs.get(name, ""), re.MULTILINE))
        if not found:
            raise Failure(f"the lab's scenario {name} has no figures: {self.said[-3000:]}")
        return found

    def exit_cost(self):
        """(its table as it is printed, {operation: {column: instructions}})"""
        table = self.find("exit-cost", r"^instructions  bare(?:.*\n)+?a read of.*$")[0][0]
        return table, {row[0]: dict(zip(COLUMNS, map(float, row[1:]))) for row in ROW.findall(table)}
