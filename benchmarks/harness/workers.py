"""What the suites of sealed workers share: the programs of benchmarks/devices in turns with their floors, and figures of
what they print. A report of either is {"rate", "mb_per_second", "latency_us": {...}, "each": {"cpu_us", ...}, ...}."""

import json
import subprocess

from harness.context import Failure
from harness.figures import FLOOR, HUSK, PERCENTILES, Figure
from harness.precedence import take_precedence

UNSEALED = "unsealed"  # without the seccomp filters


def run_json(command):
    words = [str(word) for word in command]
    try:
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
                              preexec_fn=take_precedence)
    except (OSError, subprocess.SubprocessError) as error:
        raise Failure(f"{' '.join(words)}: {error}") from error
    if done.returncode != 0:
        raise Failure(f"{' '.join(words)}: status {done.returncode}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def worker_turns(command, floor, turns, unsealed):
    """{who: [report of each turn]}. `command` measures the worker, `floor` is called for a report of what it is beside."""
    found = {FLOOR: [], HUSK: [], **({UNSEALED: []} if unsealed else {})}
    for _ in range(turns):
        found[FLOOR].append(floor())
        for who in list(found)[1:]:
            report = run_json([*command, "--unsealed"] if who == UNSEALED else command)
            if report["sealed"] != (who == HUSK):
                raise Failure(f"{' '.join(map(str, command))}: a worker that should be sealed was not, or the other way")
            found[who].append(report)
    return found


class Case:
    """Makes the figures of one case out of its turns. `id` is suite.case, `what` a phrase that figures continue."""

    def __init__(self, id, what, turns):
        self.id, self.what, self.turns = id, what, turns

    def figure(self, name, what, unit, *path, scale=1, **more):
        """Of what is at `path` in the reports, of all who have it in each turn."""
        values = {who: [scale * value for value in found] for who, reports in self.turns.items()
                  if None not in (found := [at(report, path) for report in reports])}
        return Figure(f"{self.id}.{name}", f"{self.what}: {what}", unit, values, **more)

    def latencies(self, what):
        """Those that there were enough for."""
        return [self.figure(name, f"{what}, {name}", "us", "latency_us", name) for name in PERCENTILES
                if all(at(report, ("latency_us", name)) is not None for report in self.turns[HUSK])]

    def notifications(self, each, targets=()):
        """Interrupts and doorbells: only a device has them."""
        return [self.figure("interrupts", f"interrupts for each {each}", "", "each", "interrupts", targets=list(targets)),
                self.figure("doorbells", f"doorbells for each {each}", "", "each", "doorbells")]

    def cpu(self, each):
        """Of the worker, all its threads, or of the floor's one."""
        return self.figure("cpu", f"processor time for each {each}", "us", "each", "cpu_us")


def at(report, path):
    for name in path:
        report = (report or {}).get(name)
    return report
