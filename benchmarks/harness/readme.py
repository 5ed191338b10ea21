"""The README's figures: rows of the committed results file, pasted by `benchmarks/run --readme`. A test checks that they match."""

from harness import text
from harness.figures import FLOOR, QEMU
from harness.report import machine_lines
from harness.results import all_figures

BEGIN = "<!-- figures: pasted by benchmarks/run --readme -->"
END = "<!-- end of the figures -->"
# The figures that the README shows, in its order.
SHOWN = (
    "lab.exit.pio-read",
    "lab.exit.mmio-write",
    "lab.exits-of-a-boot",
    "lab.first-line",
    "exits.block-request",
    "virtqueue.one-descriptor",
    "virtqueue.chains-128-of-1",
    "start.first-run.console.cpu",
    "start.first-run.disk-net.cpu",
    "start.first-run.bzimage.cpu",
    "start.boot.bzimage.wall",
    "start.rate.one",
    "footprint.program",
    "footprint.memory.small.1-cpu",
    "footprint.memory.small.1-cpu.preloaded",
    "disk_worker.randread-4k-32.rate",
    "disk_worker.randwrite-4k-32.rate",
    "disk_worker.read-256k-8.bandwidth",
    "net_worker.out-1514.rate",
    "net_worker.in-1514.rate",
    "guest_block.random1-read.1cpu.rate",
    "guest_block.random32-read.1cpu.rate",
    "guest_block.random32-read.2cpu.rate",
    "guest_block.sequential-read.1cpu.rate",
    "guest_net.tcp-out.1cpu.rate",
    "guest_net.tcp-in.1cpu.rate",
    "guest_net.tcp-rr.1cpu.rate",
    "guest_console.port-out.rate",
    "guest_console.echo.p50",
    "density.vms",
    "density.memory",
    "density.memory-growth",
    "density.linux.vms",
    "density.linux.memory",
)


def row(figure):
    cells = [figure.what, text.unit(figure)]
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
             "| medians; ratios are those within the turns, and \"added\" those of what is added to the floor | unit | husk | QEMU microvm | floor | husk / QEMU | husk / floor | target |",
             "|---|---|---|---|---|---|---|---|"]
    return "\n".join([*lines, *(row(figures[id_]) for id_ in SHOWN), END])


def paste(readme, results):
    """The README's text with the figures of these results."""
    begin, end = readme.find(BEGIN), readme.find(END)
    if begin < 0 or end < begin:
        raise ValueError(f"the README has no place for figures, between {BEGIN} and {END}")
    return readme[:begin] + block(results) + readme[end + len(END):]
