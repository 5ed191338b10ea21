"""A figure: what was measured, turn by turn, of husk and of whatever it is measured beside.

The values of one turn were measured next to each other, so a ratio is the median of the turns' ratios and not the
ratio of two medians: what the machine did besides is in both."""

import dataclasses
import statistics

HUSK = "husk"
FLOOR = "floor"
QEMU = "qemu"
PERCENTILES = ("p50", "p90", "p99", "p99.9")  # of latencies


@dataclasses.dataclass
class Ratio:
    """husk's part of another's, with the lowest and the highest of the turns."""
    median: float
    low: float
    high: float


@dataclasses.dataclass
class Target:
    """What is asked of the ratio to `beside`, or of husk's own median if that is None."""
    beside: str | None
    at_most: float | None = None
    at_least: float | None = None

    def is_met_by(self, value):
        return (self.at_most is None or value <= self.at_most) and (self.at_least is None or value >= self.at_least)

    def text(self):
        return f"at most {self.at_most:g}" if self.at_least is None else f"at least {self.at_least:g}"


@dataclasses.dataclass
class Figure:
    """`values`: {who: [value of each turn]}, with one entry for husk; "floor" is what no VMM can do better than, "qemu" the
    peer, other names are variants (of husk without something, of the guest, of a device)."""
    id: str
    what: str
    unit: str
    values: dict[str, list[float]]
    better: str = "lower"
    exact: bool = False  # a count that is the same in every run, so that any difference means something
    added_to_floor: bool = False  # ratios are those of what husk and the peer add to the floor
    targets: list[Target] = dataclasses.field(default_factory=list)
    note: str = ""
    parts: bool = False  # the others are parts of husk's, or other things told along with it: no ratios
    # How it went on, where it is a matter of growth: {who: [[x, y], ...]}, and what x is.
    curves: dict[str, list[list[float]]] = dataclasses.field(default_factory=dict)
    along: str = ""
    curve_unit: str = ""  # of y, where it is not the figure's

    def __post_init__(self):
        if self.better not in ("lower", "higher"):
            raise ValueError(f"{self.id}: better is lower or higher, not {self.better}")
        if HUSK not in self.values or not all(self.values.values()):
            raise ValueError(f"{self.id}: every figure has a value of husk and of all it is beside: {self.values}")
        self.targets = [Target(**target) if isinstance(target, dict) else target for target in self.targets]
        for target in self.targets:
            if target.beside is not None and target.beside not in self.values:
                raise ValueError(f"{self.id}: there is no {target.beside} that the target could be beside")

    def median(self, who=HUSK):
        return statistics.median(self.values[who])

    def spread(self, who=HUSK):
        """The lowest and the highest turn."""
        return min(self.values[who]), max(self.values[who])

    def others(self):
        return [who for who in self.values if who != HUSK]

    def ratio(self, beside):
        """None if there is nothing to compare with, or nothing that could be told from the floor."""
        if beside not in self.values or beside == HUSK or (self.parts and beside not in (FLOOR, QEMU)):
            return None
        if self.added_to_floor and beside != FLOOR:
            return ratio_of_added(self.values[HUSK], self.values[beside], self.values[FLOOR])
        return ratio_of(self.values[HUSK], self.values[beside])

    def verdicts(self):
        """[(target, value or None, whether it is met)]"""
        found = []
        for target in self.targets:
            ratio = None if target.beside is None else self.ratio(target.beside)
            value = self.median() if target.beside is None else ratio and ratio.median
            found.append((target, value, value is not None and target.is_met_by(value)))
        return found


def in_turns(*series):
    """All as long as the longest: what has one value only, as a count that never changes, has it in every turn."""
    turns = max(map(len, series))
    if any(len(values) not in (1, turns) for values in series):
        raise ValueError(f"{[len(values) for values in series]} values: they were not measured in turns")
    return [values if len(values) == turns else values * turns for values in series]


def ratio_of(ours, theirs):
    """Turn by turn; None where one of theirs is nothing."""
    ours, theirs = in_turns(ours, theirs)
    if any(value <= 0 for value in theirs):
        return None
    ratios = [a / b for a, b in zip(ours, theirs)]
    return Ratio(statistics.median(ratios), min(ratios), max(ratios))


def ratio_of_added(ours, theirs, floor):
    """What is added differs from turn to turn by more than it is: the medians of the differences make the ratio. None where
    theirs drowns in the floor."""
    ours, theirs, floor = in_turns(ours, theirs, floor)
    added, beside = [a - f for a, f in zip(ours, floor)], [b - f for b, f in zip(theirs, floor)]
    median = statistics.median(beside)
    if median <= 0.01 * statistics.median(floor):
        return None
    return Ratio(statistics.median(added) / median, min(added) / median, max(added) / median)
