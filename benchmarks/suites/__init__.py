"""The suites of benchmarks/run, in the order in which they run. Each is a module with

    ABOUT                 one line: what it measures, and beside what
    measure(context)      -> [Figure]; raises NotMeasured or Failure (harness/context.py)

and takes its share of the time that benchmarks/run promises: see SECONDS."""

import importlib

# The most that each may take, in a quick and in a full run, in seconds.
SECONDS = {
    "virtqueue": (10, 60),
    "exits": (30, 240),
    "disk_worker": (35, 280),
    "net_worker": (37, 270),
    "console_worker": (18, 110),
    "start": (25, 300),
    "footprint": (25, 120),
    "guest_block": (40, 300),
    "guest_net": (30, 300),
    "guest_console": (10, 100),
    "density": (20, 300),
    "lab": (None, 300),  # not in a quick run
}


def most_seconds(name, tier):
    """None: no limit."""
    quick, full = SECONDS[name]
    return {"quick": quick, "full": full}.get(tier)


def load(name):
    return importlib.import_module(f"suites.{name}")
