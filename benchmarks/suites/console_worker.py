"""The sealed console role of husk, driven from one process without a VM (bench_console), beside a bare loop that writes
or reads at the same kind of unix socket, with the same peer: a thread that reads, writes or echoes.

    out-hvc-N    to hvc0 in pieces of N bytes, as Linux writes: each is waited for, awake
    out-port-N   to a named port, as many pieces as there are descriptors
    in-END       from the peer, which writes without end, to hvc0 or the port
    echo-END     one byte out, which the peer sends back, and so on
    key-hvc      the same, 3 ms after the last: longer than the console gathers what hvc0 wrote, as between keys

The worker takes a quarter of a second to find out how long it pays to look for the next piece instead of sleeping: hence
the time to warm up. What hvc0 wrote is gathered for 2 ms after each write to the host: `echo-hvc` waits for that again and again."""

from harness.workers import Case, run_json, worker_turns

ABOUT = "the sealed console role without a VM, beside a bare loop on the same kind of socket"

# name: way, end, bytes written at once (or read, by the bare loop). A quick run measures the first ones.
CASES = {"out-hvc-16": ("out", "hvc", 16), "out-port-4096": ("out", "port", 4096), "in-port": ("in", "port", 32768),
         "echo-port": ("echo", "port", 1), "key-hvc": ("echo", "hvc", 1),
         "out-hvc-1": ("out", "hvc", 1), "out-hvc-63": ("out", "hvc", 63), "out-port-65536": ("out", "port", 65536),
         "in-hvc": ("in", "hvc", 32768), "echo-hvc": ("echo", "hvc", 1)}
ENDS = {"hvc": "hvc0", "port": "a named port"}


def figures_of(name, turns):
    way, end, piece = CASES[name]
    id = f"console_worker.{name}"
    if way == "echo":
        pause = ", 3 ms after the last" if name.startswith("key") else ""
        case = Case(id, f"a byte to {ENDS[end]} and back{pause}", turns)
        return [*case.latencies("time until it is back"), case.cpu("round trip"), *case.notifications("round trip")]
    case = Case(id, f"written to {ENDS[end]}, {piece} bytes at once" if way == "out" else f"read from {ENDS[end]}", turns)
    if (way, end) == ("out", "hvc"):
        return [case.figure("rate", "writes a second", "/s", "rate", better="higher"),
                *case.latencies("time until a write is taken"), case.cpu("write"), *case.notifications("write")]
    return [case.figure("bandwidth", "bandwidth", "MB/s", "mb_per_second", better="higher"),
            case.figure("cpu-mb", "processor time for each MB", "us", "each_byte", "cpu_us", scale=1e6),
            *(case.notifications("write") if way == "out" else [])]


def measure(context):
    turns, seconds, warm_up = context.pick((1, 0.2, 0.3), (3, 0.15, 0.25), (5, 0.3, 0.3))
    figures = []
    for name in list(CASES)[:context.pick(2, 5, len(CASES))]:
        way, end, piece = CASES[name]
        command = [context.build / "benchmarks/devices/bench_console", "--way", way, "--end", end, "--piece", piece,
                   "--seconds", seconds, "--warm-up", warm_up, *(["--pause", 3] if name.startswith("key") else [])]
        found = worker_turns(command, lambda: run_json([*command, "--bare"]), turns,
                             unsealed=context.tier == "full" or name == "out-hvc-16")
        figures += figures_of(name, found)
    return figures
