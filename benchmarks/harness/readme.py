"""The README's figures: rows of the committed results file, pasted by `benchmarks/run --readme`. A test checks that they match."""

from harness import text
from harness.figures import FLOOR, QEMU
from harness.report import machine_lines
from harness.results import all_figures

BEGIN = "<!-- figures: pasted by benchmarks/run --readme -->"
END = "<!-- end of the figures -->"
# The figures that the README shows, in its order.
SHOWN = (
    "exits.block-request",
    "virtqueue.one-descriptor",
    "virtqueue.chains-128-of-1",
)


def row(figure):
    cells = [figure.what, figure.unit]
    cells += [text.number(figure.median())]
    for who in (QEMU, FLOOR):
        cells.append(text.number(figure.median(who)) if who in figure.values else "")
    for who in (QEMU, FLOOR):
        found = figure.ratio(who)
        cells.append(f"{found.median:.2f}" if found else "")
    return "| " + " | ".join([*cells, text.verdicts(figure)]) + " |"


def block(results):
    figures = all_figures(results)
    missing = [id_ for id_ in SHOWN if id_ not in figures]
    if missing:
        raise ValueError(f"the results file lacks what the README shows: {', '.join(missing)}")
    lines = [BEGIN, *machine_lines(results), "",
             "| medians; the ratios are those within the turns | unit | husk | QEMU microvm | floor | husk / QEMU | husk / floor | target |",
             "|---|---|---|---|---|---|---|---|"]
    return "\n".join([*lines, *(row(figures[id_]) for id_ in SHOWN), END])


def paste(readme, results):
    """The README's text with the figures of these results."""
    begin, end = readme.find(BEGIN), readme.find(END)
    if begin < 0 or end < begin:
        raise ValueError(f"the README has no place for figures, between {BEGIN} and {END}")
    return readme[:begin] + block(results) + readme[end + len(END):]
