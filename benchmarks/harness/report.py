"""The report: Markdown with every figure, and its plots."""

from harness import plots, text
from harness.figures import FLOOR, HUSK, QEMU
from harness.results import figures_of

HEADER = """# husk's benchmarks

Printed by `benchmarks/run --report`. Figures are medians of the turns, in brackets the lowest and the highest turn. A ratio is husk's
part of the other's, the median of the ratios within the turns (A B A B): on a shared machine only ratios and counts mean something.
Where it says "added", the ratio is that of what husk and QEMU add to the floor.
"""


def machine_lines(results):
    machine = results["machine"]
    return [f"- {machine['processor']}, {machine['processors']} processors, {machine['memory_gib']} GiB; {machine['distribution']}, "
            f"Linux {machine['kernel']}", f"- KVM: {machine['kvm']}", f"- {machine['qemu']}; {machine['fio']}; {machine['compiler']}",
            f"- husk {', '.join(sorted({record['commit'] for record in results['suites'].values()}))}, a {results['tier']} run"]


def row(figure):
    unit = text.unit(figure) + (", exact" if figure.exact else "")
    cells = [figure.what, unit, text.with_spread(figure, HUSK)]
    for who in (FLOOR, QEMU):
        cells.append(text.with_spread(figure, who) if who in figure.values else "")
        cells.append(text.ratio(figure.ratio(who)) if who in figure.values else "")
    return "| " + " | ".join([*cells, text.others(figure), text.verdicts(figure)]) + " |"


def suite_lines(name, record, images):
    lines = [f"## {name}", f"{record['about'][0].upper()}{record['about'][1:]}.", ""]
    if "not_measured" in record:
        return [*lines, f"**Not measured:** {record['not_measured']}.", ""]
    before, after = record["load_average"]
    lines += [f"{record['begun']}, {record['seconds']:.0f} s, load average {before:.1f} before and {after:.1f} after.", "",
              "| | unit | husk | floor | ratio | QEMU | ratio | beside | target |", "|---|---|---|---|---|---|---|---|---|"]
    figures = figures_of(record)
    lines += [row(figure) for figure in figures]
    notes = [f"- {figure.what}: {figure.note}" for figure in figures if figure.note]
    lines += ["", *notes] if notes else []
    return [*lines, "", *(f"![{title}]({file})" for title, file in images), ""]


def target_lines(results):
    lines = ["## Targets", "", "| | asked | reached | |", "|---|---|---|---|"]
    for record in results["suites"].values():
        for figure in figures_of(record):
            for target, value, met in figure.verdicts():
                beside = "" if target.beside is None else f" of {target.beside}"
                lines.append(f"| {figure.what} ({figure.unit}) | {target.text()}{beside} | {text.number(value)} | "
                             f"{'met' if met else '**missed**'} |")
    return [*lines, ""]


def markdown(results, images):
    """`images`: {suite: [(title, file)]}"""
    lines = [HEADER, *machine_lines(results), "", *target_lines(results)]
    for name, record in results["suites"].items():
        lines += suite_lines(name, record, images.get(name, []))
    return "\n".join(lines).rstrip() + "\n"


def write(results, folder):
    folder.mkdir(parents=True, exist_ok=True)
    images = {name: plots.draw(name, figures_of(record), folder) for name, record in results["suites"].items()}
    (folder / "report.md").write_text(markdown(results, images))
