#!/usr/bin/env python3
"""What benchmarks/harness reads out of the kernel's events: who had a processor between the exec and the first KVM_RUN."""

import pathlib
import sys
import unittest

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TOP / "benchmarks"))

from harness.context import Failure  # noqa: E402
from harness.start_trace import read_start  # noqa: E402

ASKER, LAUNCHER, DISK, STRANGER = 10, 20, 30, 99


def event(cpu, now, thread, name, what):
    return f"            name-{thread}    [{cpu:03}] d..2.   {now:.6f}: {name}: {what}\n"


def switch(cpu, now, before, after, names=("x", "x")):
    return event(cpu, now, before, "sched_switch", f"prev_comm={names[0]} prev_pid={before} prev_prio=120 prev_state=S ==> "
                 f"next_comm={names[1]} next_pid={after} next_prio=120")


def fork(cpu, now, parent, child):
    return event(cpu, now, parent, "sched_process_fork", f"comm=name pid={parent} child_comm=name child_pid={child}")


def execute(cpu, now, thread):
    return event(cpu, now, thread, "sched_process_exec", f"filename=/bin/husk pid={thread} old_pid={thread}")


def first_run(cpu, now, thread):
    return event(cpu, now, thread, "kvm_fpu", "load")


BEGIN = ["# tracer: nop\n", fork(0, 1.0, ASKER, LAUNCHER), switch(1, 2.0, STRANGER, LAUNCHER), execute(1, 3.0, LAUNCHER)]


class Starts(unittest.TestCase):
    def test_it_begins_at_the_exec_and_ends_at_the_first_run(self):
        start = read_start([*BEGIN, first_run(1, 7.0, LAUNCHER), first_run(1, 9.0, LAUNCHER)])
        self.assertEqual((start.wall, start.processor), (4.0, 4.0))

    def test_time_without_a_processor_is_not_counted(self):
        start = read_start([*BEGIN, switch(1, 4.0, LAUNCHER, STRANGER), switch(0, 6.5, STRANGER, LAUNCHER), first_run(0, 7.0, LAUNCHER)])
        self.assertEqual((start.wall, start.processor), (4.0, 1.5))

    def test_what_runs_beside_the_vcpu_at_its_first_run_is_counted_up_to_then(self):
        start = read_start([*BEGIN, fork(1, 4.0, LAUNCHER, DISK), switch(0, 5.0, STRANGER, DISK), first_run(1, 7.0, LAUNCHER),
                            switch(0, 8.0, DISK, STRANGER)])
        self.assertEqual(start.processor, 4.0 + 2.0)

    def test_strangers_and_who_asked_are_not_counted(self):
        start = read_start([*BEGIN, switch(1, 4.0, LAUNCHER, ASKER), switch(1, 5.0, ASKER, STRANGER), switch(1, 6.0, STRANGER, LAUNCHER),
                            first_run(1, 7.0, LAUNCHER)])
        self.assertEqual(start.processor, 2.0)

    def test_a_thread_that_ends_gives_its_processor_back(self):
        ended = event(0, 5.5, DISK, "sched_process_exit", "comm=x pid=30 prio=120")
        start = read_start([*BEGIN, fork(1, 4.0, LAUNCHER, DISK), switch(0, 5.0, STRANGER, DISK), ended, first_run(1, 7.0, LAUNCHER)])
        self.assertEqual(start.processor, 4.0 + 0.5)

    def test_each_process_has_its_part_by_its_last_name(self):
        start = read_start([*BEGIN, fork(1, 4.0, LAUNCHER, DISK), switch(0, 5.0, STRANGER, DISK, ("y", "husk")),
                            first_run(1, 7.0, LAUNCHER), switch(0, 8.0, DISK, STRANGER, ("blk0", "y")),
                            switch(1, 8.0, LAUNCHER, STRANGER, ("husk", "y"))])
        self.assertEqual(start.by_process(), {"launcher": 4.0, "disk": 2.0})

    def test_without_a_run_there_is_no_start(self):
        self.assertIsNone(read_start(BEGIN))

    def test_lost_events_are_a_failure(self):
        for lost in ("CPU:1 [LOST 27 EVENTS]\n", "CPU:0 [LOST EVENTS]\n"):
            with self.assertRaisesRegex(Failure, "LOST"):
                read_start([*BEGIN, lost, first_run(1, 7.0, LAUNCHER)])

    def test_clocks_without_a_point_are_read(self):
        lines = [line.replace(".000000", "") for line in [*BEGIN, first_run(1, 7.0, LAUNCHER)]]
        self.assertEqual(read_start(lines).processor, 4.0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
