#!/usr/bin/env python3
"""Fleets of VMs, played by a shell with a child: what they cost, how they end, and that what is left of them is found."""

import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
from unittest import mock

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TOP / "benchmarks"))

from harness import leftovers  # noqa: E402
from harness.context import Failure, NotMeasured  # noqa: E402
from harness import fleet as fleets  # noqa: E402
from harness.fleet import Fleet, reference_time, times_scheduled  # noqa: E402
from suites.density import Plan, Step, Suite, growth  # noqa: E402

# A VM that ends as it was asked to, with its child: a status that nothing else has, neither a script that came to its end nor a
# kill that failed.
ENDED_WELL = 7
ENDS_WELL = f"trap 'kill $child && exit {ENDED_WELL}' TERM; sleep 60 & child=$!; echo up >\"$1\"; wait"


class FleetTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="husk-density-test-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.name = f"density-test-{os.getpid()}"

    def fleet(self, script=ENDS_WELL):
        return Fleet(self.name, self.folder / "fleet", lambda name, console, _: ["sh", "-c", script, name, console], b"up")

    def before(self):
        return leftovers.Before(self.name, self.folder)

    def left(self, before, vms=3):
        with mock.patch.object(leftovers, "SETTLES", 0.5):
            return before.left(vms, 0)


class Fleets(FleetTest):
    def test_all_are_up_with_their_children_and_at_rest(self):
        with self.fleet() as fleet:
            _, references = fleet.grow(5)
            self.assertEqual(len(references), 2)
            self.assertEqual([len(vm.pids) for vm in fleet.vms], [2] * 5)
            self.assertGreater(min(vm.processor_time() for vm in fleet.vms), 0)
            self.assertGreater(min(vm.proportional() for vm in fleet.vms), 0)
            time.sleep(0.2)
            self.assertEqual(fleet.rest(0.2)[1], 0)
            fleet.end((signal.SIGTERM,), (ENDED_WELL,))

    def test_one_that_wakes_up_is_seen(self):
        script = f'echo up >"$1"; exec {sys.executable} -c "import time; [time.sleep(0.02) for _ in range(3000)]"'
        with self.fleet(script) as fleet:
            fleet.grow(1)
            self.assertGreater(fleet.rest(0.5)[1], 0)

    def test_one_that_loses_a_process_at_rest_is_a_failure(self):
        with self.fleet() as fleet, self.assertRaisesRegex(Failure, "has lost a process"):
            fleet.grow(1)
            os.kill(fleet.vms[0].pids[1], signal.SIGKILL)
            time.sleep(0.1)
            fleet.rest(0.1)

    def test_one_that_does_not_come_up_is_a_failure_with_its_words(self):
        with self.fleet("echo it cannot >&2; exit 6") as fleet, self.assertRaisesRegex(Failure, "status 6: it cannot"):
            fleet.grow(1)

    def test_one_that_leaves_a_child_behind_is_a_failure(self):
        script = f"trap 'exit {ENDED_WELL}' TERM; sleep 60 & echo up >\"$1\"; wait"
        with mock.patch.object(fleets, "SURVIVES", 0.3), self.fleet(script) as fleet, \
                self.assertRaisesRegex(Failure, "without its processes"):
            fleet.grow(1)
            self.addCleanup(os.kill, fleet.vms[0].pids[1], signal.SIGKILL)
            fleet.end((signal.SIGTERM,), (ENDED_WELL,))

    def test_one_that_ends_by_itself_is_a_failure(self):
        with self.fleet('echo up >"$1"; sleep 0.3') as fleet, self.assertRaisesRegex(Failure, "status 0"):
            fleet.grow(1)
            time.sleep(0.5)
            fleet.end((signal.SIGTERM,), (ENDED_WELL,))

    def test_one_that_ends_otherwise_is_a_failure(self):
        with self.fleet('trap "exit 9" TERM; echo up >"$1"; while :; do sleep 0.05; done') as fleet, \
                self.assertRaisesRegex(Failure, "status 9"):
            fleet.grow(1)
            fleet.end((signal.SIGTERM,), (ENDED_WELL,))

    def test_the_reference_costs_something(self):
        self.assertGreater(reference_time(), 0)

    def test_a_thread_of_kvms_own_is_not_the_vms(self):
        named = "import pathlib, threading, time; name = pathlib.Path('/proc/thread-self/comm')\n" \
            "def work():\n    name.write_text('{}-nx')\n    [time.sleep(0.02) for _ in range(3000)]\n" \
            "threading.Thread(target=work).start()"
        counts = {}
        for name in ("kvm", "own"):
            with subprocess.Popen([sys.executable, "-c", named.format(name)]) as process:
                time.sleep(0.5)
                before = times_scheduled(process.pid)
                time.sleep(0.3)
                counts[name] = times_scheduled(process.pid) - before
                process.kill()
        self.assertEqual(counts["kvm"], 0)
        self.assertGreater(counts["own"], 0)


class ShortMemory(unittest.TestCase):
    def test_what_was_measured_before_is_kept(self):
        with mock.patch.multiple(Suite, beside_qemu=lambda _: ["a figure"], killed=lambda _: self.fail("none was to be killed"),
                                 ramp_figures=mock.Mock(side_effect=NotMeasured("memory is short"))):
            machine = mock.Mock()
            found, missing = Suite(mock.Mock(), "Linux", machine, Plan(3, 1, 1, 1, 0, 0.3)).measure()
        self.assertEqual(found, ["a figure"])
        self.assertRegex(missing[0], "Linux VMs.*memory is short")


class Leftovers(FleetTest):
    def test_of_a_fleet_that_ends_well_nothing_is_left(self):
        before = self.before()
        with self.fleet() as fleet:
            fleet.grow(3)
            fleet.end((signal.SIGTERM,), (ENDED_WELL,))
        self.assertEqual(self.left(before), [])

    def test_a_process_is_found(self):
        before = self.before()
        orphan = subprocess.Popen([f"{self.name}-0", "60"], executable="/bin/sleep")
        self.addCleanup(lambda: (orphan.kill(), orphan.wait()))
        while self.name not in leftovers.processes()[orphan.pid]:  # its command line comes some time after Popen is back
            time.sleep(0.01)
        self.assertRegex(self.left(before)[0], f"1 of kind process, as {orphan.pid} ")

    def test_a_file_is_found(self):
        before = self.before()
        left = pathlib.Path("/var/tmp") / f"{self.name}-1.journal"
        left.touch()
        self.addCleanup(left.unlink)
        self.assertEqual(self.left(before), [f"1 of kind file, as {left}"])

    def test_many_files_without_a_name_are_found_and_few_are_not(self):
        before = self.before()
        with tempfile.TemporaryDirectory(prefix="else-", dir="/var/tmp") as other:
            for number in range(150):
                (pathlib.Path(other) / str(number)).touch()
            self.assertRegex(self.left(before, vms=120)[0], "of kind file")
            self.assertEqual(self.left(before, vms=500), [])

    def test_a_socket_is_found(self):
        before = self.before()
        with socket.socket(socket.AF_UNIX) as left:
            left.bind(f"\0{self.name}-2")
            self.assertRegex(self.left(before)[0], "unix socket")


class Growth(unittest.TestCase):
    @staticmethod
    def steps(values):
        return [Step(vms=50 * (i + 1), memory=value, kernel_memory=0, start_time=0, reference=1, start_in_references=1, rate=1) for i, value in enumerate(values)]

    def test_of_what_stays_is_one_whatever_a_few_steps_say(self):
        values = [4.0] * 20
        values[3], values[17] = 9.0, 40.0
        self.assertEqual(growth(self.steps(values), lambda step: step.memory), 1)

    def test_of_what_doubles_is_two(self):
        self.assertAlmostEqual(growth(self.steps([4 + 4 * i / 19 for i in range(20)]), lambda step: step.memory), 2)


if __name__ == "__main__":
    unittest.main()
