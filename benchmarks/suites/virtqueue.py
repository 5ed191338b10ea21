"""The virtqueue's hot path beside a loop that checks nothing, on the same rings. It makes no system call: sealing changes nothing."""

import json

from harness.figures import FLOOR, HUSK, Figure, Target

ABOUT = "pop and push of descriptor chains, beside an unchecked loop"

POP_PUSH = "pop_push/"
SIZES = (16, 64, 256, 1024)
# name in the program: id, what, what is asked of husk's part of the unchecked loop.
PUBLISHED = {
    "published/128x1": ("chains-128-of-1", "128 chains of one descriptor", 1.3),
    "published/1x128": ("chain-of-128", "a chain of 128 descriptors", None),
    "published/queue_pop_16": ("pop-16", "16 pops", None),
    "published/next_descriptor_16": ("walk-16", "a walk along 16 descriptors", None),
    "published/queue_add_used_16": ("used-16", "16 entries to the used ring", None),
    "published/queue_add_used_256": ("used-256", "256 entries to the used ring", None),
}


def run_bench(context):
    """{name of a shape: (counters of its median)}"""
    out = context.scratch / "virtqueue.json"
    context.run([context.build / "benchmarks/virtqueue/virtqueue_bench", f"--benchmark_out={out}"])
    runs = json.loads(out.read_text())["benchmarks"]
    return {run["run_name"].split("/iterations")[0]: run for run in runs if run["aggregate_name"] == "median"}


def figure(name, what, turns, shapes, target):
    """The mean of some shapes, turn by turn."""
    def values(counter):
        return [sum(turn[shape][counter] for shape in shapes) / len(shapes) for turn in turns]
    return Figure(f"virtqueue.{name}", what, "ns", {HUSK: values("husk_ns"), FLOOR: values("unchecked_ns")},
                  targets=[Target(FLOOR, at_most=target)] if target else [])


def measure(context):
    turns = [run_bench(context) for _ in range(context.pick(1, 3, 15))]
    own = [run for run in turns[0].values() if run["run_name"].startswith(POP_PUSH)]

    def shapes(**wanted):
        return [run["run_name"].split("/iterations")[0] for run in own
                if all(run[counter] == value for counter, value in wanted.items())]

    figures = [figure("one-descriptor", "one direct descriptor, all 16 shapes", turns,
                      shapes(buffers=1, indirect=0), 1.3),
               figure("three-indirect", "an indirect chain of 3, all shapes", turns, shapes(buffers=3, indirect=1), None)]
    for name, (id_, what, target) in PUBLISHED.items():
        figures.append(figure(id_, what, turns, [name], target))
    sizes = {size: figure("", "", turns, shapes(buffers=1, indirect=0, size=size, batch=1), None).values[HUSK] for size in SIZES}
    figures.append(Figure("virtqueue.size-1024", "one direct descriptor in a queue of 1024 (flat: as in one of 16)", "ns",
                          {HUSK: sizes[1024], "size 16": sizes[16], "size 64": sizes[64], "size 256": sizes[256]},
                          targets=[Target("size 16", at_most=1.1)]))
    return figures
