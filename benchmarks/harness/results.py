"""The results file: what was measured, when, on what, and what could not be."""

import dataclasses
import json

from harness.figures import Figure

FORMAT = 1


def suite_record(about, commit, begun, seconds, load, figures):
    """`commit`: of the tree that was measured."""
    return {"about": about, "commit": commit, "begun": begun, "seconds": round(seconds, 1), "load_average": load,
            "figures": [dataclasses.asdict(figure) for figure in figures]}


def not_measured(about, commit, why):
    return {"about": about, "commit": commit, "not_measured": why}


def figures_of(record):
    return [Figure(**figure) for figure in record.get("figures", [])]


def all_figures(results):
    """{id: Figure}"""
    return {figure.id: figure for record in results["suites"].values() for figure in figures_of(record)}


def rounded(value):
    """Six digits are more than any of it is worth, and keep the file readable."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, dict):
        return {name: rounded(entry) for name, entry in value.items()}
    return [rounded(entry) for entry in value] if isinstance(value, list) else value


def write(path, results):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(rounded(results), indent=1) + "\n")


def read(path):
    results = json.loads(path.read_text())
    if results.get("format") != FORMAT:
        raise ValueError(f"{path} is not a results file of format {FORMAT}")
    return results
