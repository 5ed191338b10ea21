"""A figure: what was measured, turn by turn, of husk and of whatever it is measured beside.

The values of one turn were measured next to each other, so a ratio is the median of the turns' ratios and not the
ratio of two medians: what the machine did besides is in both."""

import dataclasses
import statistics

HUSK = "husk"
FLOOR = "floor"
QEMU = "qemu"


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

    def __post_init__(self):
        if self.better not in ("lower", "higher"):
            raise ValueError(f"{self.id}: better is lower or higher, not {self.better}")
        if HUSK not in self.values or not all(self.values.values()):
            raise ValueError(f"{self.id}: every figure has a value of husk and of all it is beside: {self.values}")
        self.targets = [Target(**target) if isinstance(target, dict) else target for target in self.targets]
        for target in self.targets:
            if target.beside is not None and self.ratio(target.beside) is None:
                raise ValueError(f"{self.id}: there is no {target.beside} that the target could be beside")

    def median(self, who=HUSK):
        return statistics.median(self.values[who])

    def spread(self, who=HUSK):
        """The lowest and the highest turn."""
        return min(self.values[who]), max(self.values[who])

    def others(self):
        return [who for who in self.values if who != HUSK]

    def ratio(self, beside):
        """None if there is nothing to compare with."""
        if beside not in self.values or beside == HUSK:
            return None
        less = self.values[FLOOR] if self.added_to_floor and beside != FLOOR else None
        return ratio_of(self.values[HUSK], self.values[beside], less)

    def verdicts(self):
        """[(target, value, whether it is met)]"""
        found = []
        for target in self.targets:
            value = self.median() if target.beside is None else self.ratio(target.beside).median
            found.append((target, value, target.is_met_by(value)))
        return found


def ratio_of(ours, theirs, less=None):
    """Of lists of the same length, turn by turn; otherwise of one value and each of the other's. None if that is undefined."""
    if not len(ours) == len(theirs):
        ours, theirs = (ours * len(theirs), theirs) if len(ours) == 1 else (ours, theirs * len(ours))
    floor = [0.0] * len(ours) if less is None else (less if len(less) == len(ours) else less * len(ours))
    if not len(ours) == len(theirs) == len(floor):
        raise ValueError(f"{len(ours)} values beside {len(theirs)}: they were not measured in turns")
    pairs = [(a - f, b - f) for a, b, f in zip(ours, theirs, floor)]
    if any(b <= 0 for _, b in pairs):
        return None
    ratios = [a / b for a, b in pairs]
    return Ratio(statistics.median(ratios), min(ratios), max(ratios))
