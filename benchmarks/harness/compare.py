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
    return ratio, ("" if not moved else "better" if up == (better == "higher") else "worse")


def movements(turns):
    """`turns`: [({id: Figure} of the first build, {id: Figure} of the second)]. In the order of the figures."""
    found = []
    for id_, figure in turns[0][0].items():
        pairs = [(a[id_].median(HUSK), b[id_].median(HUSK)) for a, b in turns if id_ in a and id_ in b]
        if len(pairs) != len(turns):
            continue
        before, after = [a for a, _ in pairs], [b for _, b in pairs]
        ratio, verdict = judge(figure.better, figure.exact, before, after)
        found.append(Movement(figure.what, figure.unit, statistics.median(before), statistics.median(after), ratio, verdict))
    return found


def in_turns(measure, builds, turns):
    """measure(build) -> {id: Figure}; who goes first changes from turn to turn."""
    found = []
    for turn in range(turns):
        order = list(builds) if turn % 2 == 0 else list(reversed(builds))
        measured = {build: measure(build) for build in order}
        found.append(tuple(measured[build] for build in builds))
    return found
