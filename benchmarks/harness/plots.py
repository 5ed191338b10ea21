"""Plots of a suite as SVG, drawn by gnuplot: ratios with the turns' spread, and curves where something grows."""

import subprocess

from harness.context import Failure
from harness.figures import FLOOR, QEMU

STYLE = """set terminal svg size 900,{height} font "sans,12" background "#ffffff"
set grid xtics lc rgb "#dddddd"
set border 3
set tics nomirror
"""
NAMES = {QEMU: "QEMU microvm", FLOOR: "the floor"}
TICKS = (0.0001, 0.001, 0.01, 0.1, 0.5, 1, 2, 10, 100)


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def ratio_points(figures):
    """[(label, who, ratio)] for all that is beside QEMU or the floor, from below to above."""
    points = []
    for figure in reversed(figures):
        for who in (QEMU, FLOOR):
            found = figure.ratio(who)
            if found and found.low > 0:
                points.append((figure.what, who, found))
    return points


def ratio_script(title, points):
    """One row for each ratio, on a logarithmic axis with a line where husk and the other are equal."""
    lines = [STYLE.format(height=110 + 22 * len(points)), f"set title {quoted(title)}", "set logscale x",
             f"set xtics ({', '.join(f'{quoted(str(tick))} {tick}' for tick in TICKS)})",
             'set xlabel "husk / other, lowest to highest turn"', f"set yrange [-0.7:{len(points) - 0.3}]",
             'set key below', f"set lmargin {max(len(label) for label, _, _ in points) + 2}", 'set ytics noenhanced', 'set arrow from 1, graph 0 to 1, graph 1 nohead lc rgb "#888888"']
    labels = ", ".join(f"{quoted(label)} {row}" for row, (label, _, _) in enumerate(points))
    lines.append(f"set ytics ({labels})")
    drawn, blocks = [], []
    for who, colour in ((QEMU, "#1f5fa8"), (FLOOR, "#c2571a")):
        rows = [f"{found.median:.6g} {row} {found.low:.6g} {found.high:.6g}" for row, (_, other, found) in enumerate(points)
                if other == who]
        if rows:
            blocks.append(f"${who} << END\n" + "\n".join(rows) + "\nEND")
            drawn.append(f'${who} using 1:2:3:4 with xerrorbars pt 7 lc rgb "{colour}" title "beside {NAMES[who]}"')
    return "\n".join([*blocks, *lines, "plot " + ", ".join(drawn)]) + "\n"


def curve_script(figure):
    lines = [STYLE.format(height=420), f"set title {quoted(figure.what)} noenhanced", f"set xlabel {quoted(figure.along)}",
             f"set ylabel {quoted(figure.curve_unit or figure.unit)}", "set yrange [0:*]", "set grid ytics lc rgb \"#dddddd\"", "set key below"]
    blocks, drawn = [], []
    for number, (who, points) in enumerate(figure.curves.items()):
        blocks.append(f"$curve{number} << END\n" + "\n".join(f"{x:.6g} {y:.6g}" for x, y in points) + "\nEND")
        drawn.append(f"$curve{number} using 1:2 with linespoints pt 7 ps 0.4 title {quoted(who)} noenhanced")
    return "\n".join([*blocks, *lines, "plot " + ", ".join(drawn)]) + "\n"


def gnuplot(script, file):
    try:
        done = subprocess.run(["gnuplot"], input=script, capture_output=True, text=True, timeout=60)
    except OSError as error:
        raise Failure("gnuplot is missing: apt-get install gnuplot-nox") from error
    if done.returncode != 0 or "<svg" not in done.stdout:
        raise Failure(f"gnuplot cannot draw {file.name}: {done.stderr.strip()}")
    file.write_text(done.stdout)


def draw(suite, figures, folder):
    """[(title, file name)] of what was drawn into the folder."""
    images = []
    if points := ratio_points(figures):
        gnuplot(ratio_script(f"{suite}: ratios", points), folder / f"{suite}.svg")
        images.append((f"ratios of the suite {suite}", f"{suite}.svg"))
    for figure in figures:
        if figure.curves:
            name = figure.id.replace(".", "-") + ".svg"
            gnuplot(curve_script(figure), folder / name)
            images.append((figure.what, name))
    return images
