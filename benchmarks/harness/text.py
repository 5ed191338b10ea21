"""Figures as a person reads them."""

from harness.figures import FLOOR, HUSK, QEMU


def number(value):
    """Three digits, and thousands apart."""
    if value is None:
        return "-"
    if value == 0:
        return "0"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    if float(value).is_integer():
        return f"{value:.0f}"
    return f"{value:.3g}" if abs(value) >= 0.001 else f"{value:.1e}"


def with_spread(figure, who):
    low, high = figure.spread(who)
    median = number(figure.median(who))
    return median if number(low) == number(high) else f"{median} ({number(low)} to {number(high)})"


def ratio(found):
    if found is None:
        return "-"
    median = f"{found.median:.2f}" if found.median >= 0.01 else number(found.median)
    low, high = f"{found.low:.2f}", f"{found.high:.2f}"
    return median if low == high else f"{median} ({low} to {high})"


def others(figure):
    """What husk is beside that is neither floor nor QEMU: 'unsealed 25,000 (ratio 1.01)'."""
    said = []
    for who in figure.others():
        if who not in (FLOOR, QEMU):
            beside = figure.ratio(who)
            said.append(f"{who} {number(figure.median(who))}" + (f" (ratio {beside.median:.2f})" if beside else ""))
    return ", ".join(said)


def unit(figure):
    return figure.unit + (", added" if figure.added_to_floor else "")


def verdicts(figure):
    said = []
    for target, value, met in figure.verdicts():
        beside = "" if target.beside is None else f" of {target.beside}"
        said.append(f"{target.text()}{beside}: " + ("met" if met else f"MISSED{'' if value is not None else ', nothing to tell'}"))
    return "; ".join(said)


def line(figure):
    """One line for a terminal."""
    text = f"{number(figure.median(HUSK)):>10} {unit(figure):14}"
    for who in (FLOOR, QEMU):
        beside = figure.ratio(who)
        said = f"{beside.median:.2f} of {who}'s" if beside else ""
        text += f" {said:>16}"
    more = ", ".join(part for part in (others(figure), verdicts(figure)) if part)
    return f"{text}  {figure.what}" + (f"; {more}" if more else "")
