#!/usr/bin/env python3
"""What benchmarks/run does with what it measured: ratios, verdicts, comparisons of builds, the report, the README."""

import pathlib
import sys
import tempfile
import unittest

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TOP / "benchmarks"))

import suites  # noqa: E402
from harness import compare, guest_session, plots, readme, report, results, text, workers  # noqa: E402
from harness.context import Failure  # noqa: E402
from harness.figures import FLOOR, HUSK, QEMU, Figure, Target  # noqa: E402


def figure(values, **more):
    return Figure("suite.it", "what it is", "ns", values, **more)


class Ratios(unittest.TestCase):
    def test_a_ratio_is_the_median_of_the_turns_and_not_of_the_medians(self):
        found = figure({HUSK: [10, 30, 20], QEMU: [20, 30, 80]}).ratio(QEMU)
        self.assertEqual((found.median, found.low, found.high), (0.5, 0.25, 1.0))

    def test_what_is_added_is_measured_above_the_floor(self):
        found = figure({HUSK: [110, 112], QEMU: [140, 144], FLOOR: [100, 100]}, added_to_floor=True).ratio(QEMU)
        self.assertAlmostEqual(found.median, 11 / 42)

    def test_nothing_is_told_where_the_peer_drowns_in_the_floor(self):
        self.assertIsNone(figure({HUSK: [110], QEMU: [100.5], FLOOR: [100]}, added_to_floor=True).ratio(QEMU))

    def test_a_count_stands_beside_every_turn(self):
        self.assertEqual(figure({HUSK: [5], QEMU: [10, 20]}).ratio(QEMU).low, 0.25)

    def test_values_that_were_not_measured_in_turns_are_refused(self):
        with self.assertRaises(ValueError):
            figure({HUSK: [1, 2], QEMU: [1, 2, 3]}).ratio(QEMU)

    def test_a_figure_without_husk_or_with_an_empty_series_is_refused(self):
        for values in ({QEMU: [1]}, {HUSK: [1], QEMU: []}):
            with self.assertRaises(ValueError):
                figure(values)


class Verdicts(unittest.TestCase):
    def test_a_target_is_met_or_missed_by_the_ratio(self):
        values = {HUSK: [3], QEMU: [10]}
        self.assertTrue(figure(values, targets=[Target(QEMU, at_most=0.3)]).verdicts()[0][2])
        self.assertFalse(figure(values, targets=[Target(QEMU, at_most=0.29)]).verdicts()[0][2])
        self.assertFalse(figure(values, better="higher", targets=[Target(QEMU, at_least=0.31)]).verdicts()[0][2])

    def test_a_target_without_a_peer_is_one_of_the_value(self):
        self.assertFalse(figure({HUSK: [3, 4, 5]}, targets=[Target(None, at_most=3.9)]).verdicts()[0][2])

    def test_what_cannot_be_told_is_not_met(self):
        targets = [Target(QEMU, at_most=0.3)]
        found = figure({HUSK: [100], QEMU: [100], FLOOR: [100]}, added_to_floor=True, targets=targets)
        self.assertFalse(found.verdicts()[0][2])
        self.assertIn("MISSED", text.verdicts(found))

    def test_a_target_beside_nothing_is_refused(self):
        with self.assertRaises(ValueError):
            figure({HUSK: [1]}, targets=[Target(QEMU, at_most=1)])


class Comparisons(unittest.TestCase):
    def test_a_change_that_every_turn_shows_is_named_for_better_or_worse(self):
        before, after = [100, 120, 90], [110, 130, 99]
        self.assertEqual(compare.judge("lower", False, before, after)[1], "worse")
        self.assertEqual(compare.judge("higher", False, before, after)[1], "better")

    def test_a_change_that_one_turn_denies_is_none(self):
        self.assertEqual(compare.judge("lower", False, [100, 100, 100], [120, 120, 99])[1], "")

    def test_a_small_change_is_none(self):
        self.assertEqual(compare.judge("lower", False, [100, 100], [101, 101])[1], "")

    def test_an_exact_count_may_not_move_at_all(self):
        self.assertEqual(compare.judge("lower", True, [100, 100], [101, 101])[1], "worse")
        self.assertEqual(compare.judge("lower", True, [0, 0], [1, 1])[1], "worse")
        self.assertEqual(compare.judge("lower", True, [7, 7], [7, 7])[1], "")

    def test_builds_take_turns_and_who_goes_first_changes(self):
        order = []

        def measure(build):
            order.append(build)
            return {"suite.it": figure({HUSK: [1 if build == "A" else 2]})}

        moved, missing = compare.movements(compare.in_turns(measure, ("A", "B"), 3))
        self.assertEqual(missing, [])
        self.assertEqual(order, ["A", "B", "B", "A", "A", "B"])
        self.assertEqual([(moved[0].before, moved[0].after, moved[0].verdict)], [(1, 2, "worse")])


class Workers(unittest.TestCase):
    TURNS = {FLOOR: [{"rate": 4, "latency_us": {"p50": 2, "p99": 9}}, {"rate": 8, "latency_us": {"p50": 2}}],
             HUSK: [{"rate": 2, "latency_us": {"p50": 3, "p99": 9}, "each": {"doorbells": 1, "interrupts": 0}},
                    {"rate": 6, "latency_us": {"p50": 4}, "each": {"doorbells": 1, "interrupts": 0}}]}

    def test_a_figure_has_the_values_of_all_who_reported_it_in_each_turn(self):
        case = workers.Case("suite.case", "a load", self.TURNS)
        self.assertEqual(case.figure("rate", "it", "/s", "rate").ratio(FLOOR).median, 0.625)
        self.assertEqual([found.others() for found in case.notifications("load")], [[], []])

    def test_a_percentile_that_a_turn_had_too_little_for_is_no_figure(self):
        self.assertEqual([found.id for found in workers.Case("suite.case", "a load", self.TURNS).latencies("time")],
                         ["suite.case.p50"])


class Guests(unittest.TestCase):
    """A shell is the guest: it says what guest_bench says."""

    def session(self, script):
        return guest_session.Session(["sh", "-c", script], timeout=20)

    def test_a_phase_is_done_when_the_host_says_so_and_what_it_says_is_measured(self):
        with self.session("echo kernel; echo 'ttyS0| bench: ready one'; read a; echo 'bench: one requests=3 p99.9=70'; read a; "
                          "echo bench: done") as session:
            found = guest_session.take_turns({HUSK: session}, ["one"], 1)
        self.assertEqual(found[HUSK]["one"][0] | {"cpu": 0}, {"requests": 3, "p99.9": 70, "cpu": 0})

    def test_a_guest_that_fails_is_a_failure_with_its_reason(self):
        with self.session("echo bench: failed: a wrong block was read; exec sleep 20") as session:
            with self.assertRaisesRegex(Failure, "a wrong block was read"):
                session.phase("one")

    def test_a_guest_that_ends_early_or_with_a_status_is_a_failure(self):
        for script in ("true", "echo bench: done; exit 3"):
            with self.session(script) as session, self.assertRaises(Failure):
                session.end()

    def test_the_turns_of_all_boots_are_one_series(self):
        self.assertEqual(guest_session.join_boots([{HUSK: {"one": [1, 2]}}, {HUSK: {"one": [3]}}]), {HUSK: {"one": [1, 2, 3]}})


    def test_what_comes_up_where_nothing_was_is_a_change(self):
        self.assertEqual(compare.judge("lower", False, [0, 0, 0], [5, 4, 5])[1], "worse")
        self.assertEqual(compare.judge("lower", False, [0, 0, 0], [5, 0, 5])[1], "")

    def test_a_build_beside_itself_is_measured_twice(self):
        values = iter(range(1, 7))
        turns = compare.in_turns(lambda build: {"suite.it": figure({HUSK: [next(values)]})}, ("A", "A"), 3)
        self.assertEqual([[build["suite.it"].median() for build in turn] for turn in turns], [[1, 2], [4, 3], [5, 6]])

    def test_what_one_build_lacks_is_named(self):
        turns = [({"suite.it": figure({HUSK: [1]})}, {"suite.other": figure({HUSK: [1]})})]
        self.assertEqual(compare.movements(turns), ([], ["suite.it", "suite.other"]))


class Reports(unittest.TestCase):
    def results(self):
        shown = [Figure(id_, f"what {id_} is", "ns", {HUSK: [1234.5, 1300.0], QEMU: [2469.0, 2600.0]},
                        targets=[Target(QEMU, at_most=0.4)]) for id_ in readme.SHOWN]
        machine = {"processor": "P", "processors": 2, "memory_gib": 4, "kernel": "6", "distribution": "D", "kvm": "K",
                   "qemu": "Q", "fio": "F", "compiler": "C"}
        return {"format": results.FORMAT, "tier": "full", "machine": machine,
                "suites": {"exits": results.suite_record("about", "c", "then", 1.0, [1.0, 2.0], shown),
                           "lab": results.not_measured("about", "c", "no lab here")}}

    def test_results_come_back_as_they_were_written(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "deep/results.json"
            results.write(path, self.results())
            self.assertEqual(results.read(path), results.rounded(self.results()))

    def test_the_report_has_every_ratio_every_miss_and_what_was_not_measured(self):
        page = report.markdown(self.results(), {"exits": [("a plot", "exits.svg")]})
        self.assertIn("| 1,267 (1,234 to 1,300) |", page)
        self.assertIn("| 0.50 |", page)
        self.assertIn("**missed**", page)
        self.assertIn("**Not measured:** no lab here.", page)
        self.assertIn("![a plot](exits.svg)", page)

    def test_a_plot_has_a_row_for_each_ratio_and_survives_any_name(self):
        found = figure({HUSK: [1, 2], QEMU: [2, 2], FLOOR: [1, 1]})
        script = plots.ratio_script('say "so" \\', plots.ratio_points([found]))
        self.assertIn("0.75 0 0.5 1\n", script)
        self.assertIn("1.5 1 1 2\n", script)
        self.assertIn('set title "say \\"so\\" \\\\"', script)

    def test_pasting_replaces_what_is_between_the_marks_and_twice_is_once(self):
        page = f"before\n{readme.BEGIN}\nold\n{readme.END}\nafter\n"
        pasted = readme.paste(page, self.results())
        self.assertNotIn("\nold\n", pasted)
        self.assertTrue(pasted.startswith("before\n") and pasted.endswith("\nafter\n"))
        self.assertEqual(readme.paste(pasted, self.results()), pasted)

    def test_pasting_refuses_a_page_without_marks_and_results_without_the_figures(self):
        with self.assertRaises(ValueError):
            readme.paste("no marks", self.results())
        with self.assertRaises(ValueError):
            readme.block(self.results() | {"suites": {}})


class Committed(unittest.TestCase):
    def test_the_readme_shows_the_figures_of_the_committed_results(self):
        page = (TOP / "README.md").read_text()
        self.assertEqual(page, readme.paste(page, results.read(TOP / "benchmarks/results.json")),
                         "README.md and benchmarks/results.json differ: run benchmarks/run --readme")

    def test_the_committed_results_are_those_of_a_full_run(self):
        found = results.read(TOP / "benchmarks/results.json")
        self.assertEqual((found["tier"], list(found["suites"])), ("full", list(suites.SECONDS)))
        for name, record in found["suites"].items():
            self.assertLessEqual(record["seconds"], suites.most_seconds(name, "full"), name)

    def test_every_suite_says_what_it_is_and_the_time_of_all_is_what_is_promised(self):
        for name in suites.SECONDS:
            self.assertTrue(suites.load(name).ABOUT)
        quick, full = zip(*suites.SECONDS.values())
        self.assertLessEqual(sum(filter(None, quick)), 5 * 60)
        self.assertLessEqual(sum(full), 45 * 60)


if __name__ == "__main__":
    unittest.main()
