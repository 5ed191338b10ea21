"""Two builds in turns (A B B A A B ...), and what moved between them."""

import dataclasses
import statistics

from harness.figures import HUSK, Ratio, ratio_of

# Less than this is not called a change, whatever the turns say: an alignment or a busy neighbour does as much.
LEAST = 0.03


@dataclasses.dataclass
class Movement:
    what: str
    unit: str
    before: float
    after: float
    ratio: Ratio | None  # the second build's part of the first's
    verdict: str  # "better", "worse", or "" where nothing can be told


def judge(better, exact, before, after):
    """A count that never varies has changed when it is another one. Anything else has when every turn says so, and the
    median by more than a few percent."""
    ratio = ratio_of(after, before)
    if exact:
        first, second = statistics.median(before), statistics.median(after)
        moved = first != second
        up = second > first
    else:
        moved = ratio is not None and abs(ratio.median - 1) > LEAST and (ratio.low > 1 or ratio.high < 1)
        up = ratio is not None and ratio.median > 1
        if max(before) == 0 and min(after) > 0:  # there was none in any turn, and is some in each
            moved = up = True
    return ratio, ("" if not moved else "better" if up == (better == "higher") else "worse")


def movements(turns):
    """`turns`: [({id: Figure} of the first build, {id: Figure} of the second)]. In the order of the figures; and the ids of
    those that were not measured in each turn of both."""
    found, missing = [], []
    for id_, figure in {id_: figure for turn in turns for build in turn for id_, figure in build.items()}.items():
        pairs = [(a[id_].median(HUSK), b[id_].median(HUSK)) for a, b in turns if id_ in a and id_ in b]
        if len(pairs) != len(turns):
            missing.append(id_)
            continue
        before, after = [a for a, _ in pairs], [b for _, b in pairs]
        ratio, verdict = judge(figure.better, figure.exact, before, after)
        found.append(Movement(figure.what, figure.unit, statistics.median(before), statistics.median(after), ratio, verdict))
    return found, missing


def in_turns(measure, builds, turns):
    """measure(build) -> {id: Figure} of two builds, which may be the same one; who goes first changes from turn to turn."""
    found = []
    for turn in range(turns):
        first = turn % 2
        measured = {place: measure(builds[place]) for place in (first, 1 - first)}
        found.append((measured[0], measured[1]))
    return found
