"""A sealed network worker of husk, driven from one process without a VM (bench_net), beside a bare loop that reads or
writes the same frames at the same kind of tap, with the same peer, in a network namespace of its own each time.

    out-N    guest to tap: frames of N bytes to an address that is nobody's, which the kernel takes, counts and drops
    in-N     tap to guest: a thread sends them through a packet socket, 512 under way at most
    echo-N   one to the tap, which a thread answers with one, and so on

64 and 1514 bytes are UDP, 65000 is TCP that is never segmented (TSO). They go round 256 buffers. The worker obeys
filter=strict, as by default. The bare loop is one thread, worker and driver are two: on a machine without a processor
for each, the ratio of the rates says who got it, and that of the processor times does not depend on that."""

import os
import subprocess

from harness.context import Failure, NotMeasured
from harness.figures import FLOOR, Target
from harness.workers import Case, run_json, worker_turns

ABOUT = "a sealed network worker without a VM, beside a bare loop on the same kind of tap"

# A quick run measures the first ones.
CASES = ("out-64", "echo-64", "in-64", "out-1514", "in-1514", "out-65000", "in-65000", "echo-1514")
QUEUE = 256  # frames of the transmit queue
WORDS = {"out": "to the tap", "in": "from the tap", "echo": "to the tap and one back"}


def namespace():
    """What runs a command in a network namespace of its own."""
    words = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--net", "--map-root-user"]
    try:
        subprocess.run([*words, "true"], check=True, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.SubprocessError) as error:
        raise NotMeasured(f"there is no network namespace to be had: {getattr(error, 'stderr', None) or error}") from error
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        raise NotMeasured("/dev/net/tun is missing or closed to you")
    return words


def check(name, seconds, turns):
    """Nothing was lost: the kernel has counted at the tap all that was sent, and the worker has dropped nothing. Up to a queue of
    frames is under way when the counting begins, and again when it ends."""
    for who, reports in turns.items():
        for report in reports:
            lost = (1 - report.get("at_tap", 1)) * report["rate"] * seconds
            if lost > QUEUE + 1 or report.get("dropped", 0) > 0:
                raise Failure(f"net_worker.{name}, {who}: {lost:.0f} frames did not come to the tap, {report.get('dropped', 0)} were dropped")


def figures_of(name, turns):
    way, size = name.split("-")
    case = Case(f"net_worker.{name}", f"frames of {size} bytes {WORDS[way]}", turns)
    if way == "echo":
        return [*case.latencies("time until it is back"), case.cpu("round trip"), *case.notifications("round trip")]
    return [case.figure("rate", "frames a second", "/s", "rate", better="higher", targets=[Target(FLOOR, at_least=0.90)]),
            case.cpu("frame"), *case.notifications("frame")]


def measure(context):
    inside = namespace()
    turns, seconds, warm_up = context.pick((1, 0.2, 0.1), (3, 0.4, 0.2), (5, 1.2, 0.5))
    figures = []
    for name in CASES[:context.pick(2, 7, len(CASES))]:
        way, size = name.split("-")
        command = [*inside, context.build / "benchmarks/devices/bench_net", "--way", way, "--frame", size, "--seconds",
                   seconds, "--warm-up", warm_up]
        found = worker_turns(command, lambda: run_json([*command, "--bare"]), turns,
                             unsealed=context.tier == "full" or name == CASES[0])
        check(name, seconds, found)
        figures += figures_of(name, found)
    return figures
